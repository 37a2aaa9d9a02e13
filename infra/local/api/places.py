"""Where Cloud SQL has instances: its regions, from its page on locations."""

from infra.local.api.errors import ApiError, invalid

REGIONS = (
    "africa-south1",
    "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3",
    "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "asia-southeast3",
    "australia-southeast1", "australia-southeast2",
    "europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1",
    "europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8",
    "europe-west9", "europe-west10", "europe-west12",
    "me-central1", "me-central2", "me-west1",
    "northamerica-northeast1", "northamerica-northeast2", "northamerica-south1",
    "southamerica-east1", "southamerica-west1",
    "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2",
    "us-west3", "us-west4",
)  # fmt: skip
DEFAULT_REGION = "us-central1"
# Most regions have the zones a, b and c; some have others.
_ZONES = "abcdef"
# Backups lie in the multi-region that is nearest unless a location is given.
_MULTI_REGIONS = {"us": "us", "northamerica": "us", "southamerica": "us", "asia": "asia",
                  "australia": "asia"}  # fmt: skip


def backup_location(region: str) -> str:
    """Return where an instance's backups lie unless it says otherwise."""
    return _MULTI_REGIONS.get(region.partition("-")[0], "eu")


def checked_region(region: str) -> str:
    """Return a region if Cloud SQL has it.

    Raises:
        ApiError: 400 naming it.
    """
    if region in REGIONS:
        return region
    raise invalid(f"Invalid region ({region:.60}): Cloud SQL has no instances there.")


def check_zone(zone: str, region: str) -> None:
    """Check that a zone lies in an instance's region.

    Raises:
        ApiError: 400 errorUnrecognizedGceZone.
    """
    place, _, letter = zone.rpartition("-")
    if place != region or letter not in tuple(_ZONES):
        raise ApiError(
            400,
            "errorUnrecognizedGceZone",
            "Request contains unrecognized GCE zone when creating or updating an instance.",
        )
