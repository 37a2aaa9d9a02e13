"""What Pulumi's engine runs: serves the policies until it is told to end."""

from pulumi_policy import PolicyPack

from infra.policies.crossguard import NAME, policies

PolicyPack(name=NAME, policies=policies())
