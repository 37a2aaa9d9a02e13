"""What the deployer sends against the API's own messages, and against the provider's requests."""

import json
from typing import Any

import pytest

from infra.body import instance_body, update_body
from infra.changes import compare
from infra.desired import INSTANCE, collect
from infra.settings import load
from ops.cloudsql import CloudSql

# The create request of the gcp provider, as measured (terraform-provider-google-beta 7.45.0):
# what it adds to the declared inputs is what the API fills in anyway.
PROVIDER_ADDS = {
    "settings.pricingPlan",
    "settings.enableDataplexIntegration",
    "settings.enableGoogleMlIntegration",
    "settings.ipConfiguration.enablePrivatePathForGoogleCloudServices",
    "settings.ipConfiguration.requireSsl",
    "settings.backupConfiguration.binaryLogEnabled",
}
PROVIDER_SENDS = {
    "name",
    "region",
    "databaseVersion",
    "settings.activationPolicy",
    "settings.availabilityType",
    "settings.backupConfiguration.enabled",
    "settings.backupConfiguration.pointInTimeRecoveryEnabled",
    "settings.databaseFlags",
    "settings.edition",
    "settings.ipConfiguration.ipv4Enabled",
    "settings.storageAutoResize",
    "settings.tier",
}


def through_the_api(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as Google's own message types read and write it."""
    message = CloudSql("p", "http://127.0.0.1:1")._message("DatabaseInstance", body)
    told: dict[str, Any] = json.loads(type(message).to_json(message, use_integers_for_enums=False))
    return told


def paths(value: object, prefix: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {prefix.removesuffix(".")}
    return {path for key, item in value.items() for path in paths(item, f"{prefix}{key}.")}


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_every_input_arrives_in_the_apis_message(stack: str) -> None:
    (instance,) = collect(load(stack)).of_type(INSTANCE)
    body = instance_body(instance)
    assert compare(body, through_the_api(body)) == ()


def test_an_update_is_a_message_too() -> None:
    (instance,) = collect(load("local")).of_type(INSTANCE)
    declared = instance_body(instance)
    there = through_the_api(declared)
    there["settings"]["settingsVersion"] = "4"
    told = through_the_api(update_body(declared, there, ()))["settings"]
    assert told["settingsVersion"] == "4"
    assert len(told["databaseFlags"]) == len(instance.inputs["settings"]["databaseFlags"])


def test_the_provider_and_the_deployer_send_the_same_properties() -> None:
    (instance,) = collect(load("local")).of_type(INSTANCE)
    sent = paths(instance_body(instance))
    assert sent >= PROVIDER_SENDS
    assert not sent & PROVIDER_ADDS
