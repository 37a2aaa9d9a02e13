"""Proposed sets started on a real PostgreSQL: those of small tiers whole, of large ones asked."""

import pytest

from infra.flags import compile_flags
from infra.flags.proof import Prover
from infra.flags.verdict import judge
from infra.tuning import pgtune
from infra.tuning.clamp import whole_set
from infra.tuning.machine import Machine, Workload
from infra.tuning.propose import propose
from ops.checks.result import State
from ops.scratch import Scratch
from ops.tiers import parse_tier

SMALL = ("db-custom-1-3840", "db-custom-2-7680")
LARGE = "db-custom-96-638976"  # 156 GB of shared_buffers start on no laptop


@pytest.mark.parametrize(
    ("tier", "workload"),
    [
        *((SMALL[0], workload) for workload in Workload),
        (SMALL[1], Workload.OLTP),
        (LARGE, Workload.DW),
    ],
)
def test_postgresql_takes_every_proposal(cluster: Scratch, tier: str, workload: Workload) -> None:
    on = Machine(parse_tier(tier), ssd=True, disk_gb=500, connections=125, why_connections="")
    proposed = propose(pgtune.formulas(on, workload), (), on)
    flags = whole_set(proposed, ())
    proof = Prover(cluster).prove(flags)
    assert proof.refused == ""
    assert proof.started == (tier != LARGE)
    assert {v.state for v in judge(flags, proof)} == {State.OK}
    assert compile_flags({f.name: f.value for f in flags}, on.memory_mb) == (flags, ())
