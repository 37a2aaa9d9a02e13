"""The rules as the table of docs/policies.md: ``python -m infra.policies.table`` renews it."""

import re
from pathlib import Path

from infra.policies.rule import Rule, Seen
from infra.policies.rules import RULES
from infra.stackfile import ROOT

PAGE = ROOT / "docs" / "policies.md"
_TABLE = re.compile(r"(?<=<!-- rules -->\n).*(?=<!-- /rules -->)", re.DOTALL)
_SCANNERS = {
    "cis": "CIS",
    "checkov": "",
    "trivy": "Trivy",
    "kics": "KICS",
    "prowler": "Prowler",
    "cloudsploit": "CloudSploit",
    "google": "",
}
_SEEN = {Seen.ANYWHERE: "", Seen.DECLARED: "declared", Seen.LIVE: "live"}


def table() -> str:
    """Return the table in Markdown, one line a rule."""
    head = "| # | rule | severity | seen | what should be | also known as |\n|--|--|--|--|--|--|\n"
    return head + "".join(f"{_line(rule)}\n" for rule in RULES)


def _line(rule: Rule) -> str:
    known = "; ".join(
        f"{_SCANNERS[who]} {', '.join(ids)}".strip() for who, ids in rule.ids.by_scanner().items()
    )
    contrary = f" (contrary: `{rule.opposes}`)" if rule.opposes else ""
    title = f"{rule.title}{contrary}"
    cells = (rule.row, f"`{rule.id}`", rule.severity, _SEEN[rule.seen], title, known)
    return f"| {' | '.join(map(str, cells))} |"


def renewed(page: str) -> str:
    """Return the page with its table as the rules are now."""
    return _TABLE.sub(lambda _: table(), page)


def renew(path: Path = PAGE) -> None:
    """Write the table into the page."""
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    renew()
