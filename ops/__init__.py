"""Operations on what the Pulumi program provisioned: doors, and one package a room."""
