"""The pack that `pulumi preview --policy-pack infra/policies/pack` runs."""
