"""The one comment of a pull request, against a small GitHub over HTTP."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.preview.comment import ACTIONS, Done, NotHeadError, Posted, post
from infra.preview.github import GitHub
from infra.preview.markdown import LIMIT, Section, document
from infra.preview.refusals import (
    BadApiUrlError,
    GitHubError,
    LimitedError,
    LockedError,
    NotPermittedError,
    NotTakenError,
    NotThereError,
    TokenMissingError,
    TokenRefusedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from infra.preview.stamp import Stamp, Subject, marker, stamp_of
from infra.preview.transport import Transport
from tests.integration.preview.hub import LONGEST, REPOSITORY, Fault, Hub, User, serving

TOKEN = "ghs_a-token-that-nobody-may-see"
BOT = User(ACTIONS, "Bot")
STRANGER = User("mallory")
ALL = Subject("ai-square-db", "all")
OLD, NEW, NEWEST = ("a" * 40, "b" * 40, "c" * 40)
COMMENTS = "issues/7/comments"


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    hub = Hub()
    with serving(hub):
        yield hub


@pytest.fixture
def hub(served: Hub) -> Hub:
    """The same server for every test, empty again."""
    url = served.url
    served.__init__()  # type: ignore[misc]  # a GitHub without anything
    served.url = url
    served.users = {TOKEN: BOT, "person": User("octocat"), "reader": User("reader", writes=False)}
    served.pull(7, NEW)
    return served


class Waits(list[float]):
    """The waits that were asked for; none is waited for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def github(hub: Hub, token: str = TOKEN, wait: Callable[[float], None] | None = None) -> GitHub:
    return GitHub(REPOSITORY, Transport(token, hub.url, Waits() if wait is None else wait))


def run(
    hub: Hub,
    commit: str = NEW,
    number: int = 5,
    attempt: int = 1,
    says: str = "",
    token: str = TOKEN,
    subject: Subject = ALL,
    wait: Callable[[float], None] | None = None,
    author: str = "",
) -> Posted:
    """Post as a workflow's run does."""
    through = github(hub, token, wait)
    stamp = Stamp(commit, number, attempt)
    text = says or f"run {number}.{attempt}"
    return post(
        through,
        through.pull(7),
        subject,
        stamp,
        lambda line: document([Section("all", text)], line),
        author,
    )


def own(hub: Hub, subject: Subject = ALL) -> list[Stamp]:
    """Return the stamps of a subject's comments."""
    stamps = (stamp_of(body, subject) for body in hub.bodies(7))
    return [one for one in stamps if one is not None]


def writes(hub: Hub) -> list[str]:
    return [one.split()[0] for one in hub.calls if not one.startswith("GET")]


def test_first_run_posts_and_later_runs_replace(hub: Hub) -> None:
    first = run(hub, number=5)
    assert first.done is Done.CREATED
    assert hub.bodies(7) == [f"{marker(ALL, Stamp(NEW, 5, 1))}\n\n<b>all</b>: run 5.1\n"]
    second = run(hub, number=6)
    assert (second.done, second.comment) == (Done.UPDATED, first.comment)
    assert own(hub) == [Stamp(NEW, 6, 1)]
    assert writes(hub) == ["POST", "PATCH"]


def test_same_run_again_replaces_its_own(hub: Hub) -> None:
    run(hub, says="half")
    assert run(hub, says="whole").done is Done.UPDATED
    assert "whole" in hub.bodies(7)[0]


def test_comment_is_found_behind_thirty_pages_of_others(hub: Hub) -> None:
    for number in range(1500):
        hub.comment(7, STRANGER, f"comment {number}")
    run(hub, number=5)
    for number in range(1500):
        hub.comment(7, STRANGER, f"another {number}")
    hub.calls.clear()
    assert run(hub, number=6).done is Done.UPDATED
    assert len(hub.bodies(7)) == 3001
    assert own(hub) == [Stamp(NEW, 6, 1)]
    pages = [one for one in hub.calls if "per_page=100" in one]
    assert len(pages) == 2 * 31  # looked for, and looked at again afterwards


def test_older_run_that_ends_last_changes_nothing(hub: Hub) -> None:
    run(hub, NEW, number=9, says="new")
    hub.calls.clear()
    late = run(hub, OLD, number=8, says="old")
    assert late.done is Done.OUTDATED
    assert "new" in hub.bodies(7)[0]
    assert writes(hub) == []
    assert run(hub, NEW, number=8, attempt=3).done is Done.OUTDATED  # an old run, made again


def test_run_of_an_overtaken_commit_leaves_what_is_there(hub: Hub) -> None:
    run(hub, OLD, number=1)
    hub.pull(7, NEWEST)
    assert run(hub, NEW, number=2).done is Done.OUTDATED
    assert own(hub) == [Stamp(OLD, 1, 1)]
    assert run(hub, NEWEST, number=3).done is Done.UPDATED


def test_forced_push_of_an_older_commit_counts_as_newer(hub: Hub) -> None:
    run(hub, NEW, number=5)
    hub.pull(7, OLD)
    assert run(hub, OLD, number=6).done is Done.UPDATED
    assert own(hub) == [Stamp(OLD, 6, 1)]


def test_newer_text_that_came_in_between_stays(hub: Hub) -> None:
    run(hub, number=5)
    other = marker(ALL, Stamp(NEW, 7, 1)) + "\n\nnewer\n"

    def overtake(method: str, path: str) -> None:
        if method == "GET" and "issues/comments/" in path:
            for comment in hub.comments.values():
                comment["body"] = other

    hub.before = overtake
    assert run(hub, number=6).done is Done.OUTDATED
    assert hub.bodies(7) == [other]


def test_comment_deleted_in_between_is_posted_anew(hub: Hub) -> None:
    run(hub, number=5)

    def gone(method: str, _path: str) -> None:
        if method == "PATCH":
            hub.comments.clear()

    hub.before = gone
    assert run(hub, number=6).done is Done.CREATED
    assert own(hub) == [Stamp(NEW, 6, 1)]


@pytest.mark.parametrize("order", [(5, 6), (6, 5), (5, 5)])
def test_two_runs_at_once_leave_one_comment_with_the_newest_text(
    hub: Hub, order: tuple[int, int]
) -> None:
    # Both have seen that there is no comment before either of them posts one.
    both = threading.Barrier(2)

    def meet(method: str, _path: str) -> None:
        if method == "POST":
            both.wait(timeout=10)

    hub.before = meet
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, hub, NEW, number) for number in order]
        posted = [one.result(timeout=20) for one in runs]
    assert own(hub) == [Stamp(NEW, max(order), 1)]
    assert f"run {max(order)}.1" in hub.bodies(7)[0]
    assert posted[0].pull == posted[1].pull == 7
    assert writes(hub).count("POST") == 2
    assert min(hub.comments) == posted[0].comment == posted[1].comment


def test_duplicates_of_earlier_times_are_cleaned_up(hub: Hub) -> None:
    for number in (3, 4, 2):
        hub.comment(7, BOT, f"{marker(ALL, Stamp(OLD, number, 1))}\n\nold\n")
    done = run(hub, number=5)
    assert (done.done, done.removed) == (Done.UPDATED, 2)
    assert own(hub) == [Stamp(NEW, 5, 1)]
    assert "Duplicates deleted: 2." in str(done.blocks()[0])


def test_strangers_copy_of_the_hidden_line_is_not_taken(hub: Hub) -> None:
    copied = marker(ALL, Stamp(NEW, 999, 1))
    for user in (STRANGER, User(ACTIONS), User("github-actions", "Bot")):
        hub.comment(7, user, f"{copied}\n\n@octocat, look here")
    hub.comment(7, BOT, f"someone said:\n{copied}")
    before = hub.bodies(7)
    assert run(hub, number=5).done is Done.CREATED
    assert run(hub, number=6).done is Done.UPDATED
    assert hub.bodies(7)[:-1] == before


def test_persons_token_and_workflows_token_keep_to_their_own(hub: Hub) -> None:
    run(hub, number=5)
    run(hub, number=5, token="person")
    assert [one["user"]["login"] for one in hub.comments.values()] == [ACTIONS, "octocat"]
    assert run(hub, number=6, token="person").done is Done.UPDATED
    assert own(hub) == [Stamp(NEW, 5, 1), Stamp(NEW, 6, 1)]


def test_app_whose_name_the_api_does_not_tell_keeps_one_comment(hub: Hub) -> None:
    hub.users["app"] = User("our-app[bot]", "Bot")
    first = run(hub, number=5, token="app")
    second = run(hub, number=6, token="app")
    assert (second.comment, second.removed) == (first.comment, 1)
    assert own(hub) == [Stamp(NEW, 6, 1)]
    third = run(hub, number=7, token="app", author="our-app[bot]")
    assert (third.done, third.comment) == (Done.UPDATED, first.comment)
    assert writes(hub) == ["POST", "POST", "PATCH", "DELETE", "PATCH"]


def test_each_subject_has_its_own_comment(hub: Hub) -> None:
    for subject in (ALL, Subject("ai-square-db", "prod"), Subject("other", "all")):
        run(hub, number=5, subject=subject)
        run(hub, number=6, subject=subject)
    assert len(hub.comments) == 3


def test_by_hand_only_the_newest_commit(hub: Hub) -> None:
    run(hub, OLD, number=41)
    assert run(hub, NEW, number=0, attempt=0).done is Done.UPDATED
    assert own(hub) == [Stamp(NEW, 41, 1)]  # runs go on counting from there
    with pytest.raises(NotHeadError, match="is not the newest commit of #7"):
        run(hub, OLD, number=0, attempt=0)


def test_long_report_is_taken(hub: Hub) -> None:
    rows = "\n".join(f"| {number} | {'x' * 90} |" for number in range(400))
    parts = [Section(f"stack {name}", "restarts", rows) for name in ("local", "prod", "staging")]
    through = github(hub)
    pull = through.pull(7)
    url = "https://github.com/ai-square/db/actions/runs/1"
    post(through, pull, ALL, Stamp(NEW, 5, 1), lambda line: document(parts, line, more=url))
    (body,) = hub.bodies(7)
    assert len(body) <= LIMIT == LONGEST
    assert body.endswith(f"see [the whole report]({url}) for the details of 2 sections.\n")
    with pytest.raises(NotTakenError, match="maximum is 65536 characters"):
        through.create(7, "x" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault("GET", "/pulls/7", 401, message="Bad credentials"), TokenRefusedError, "401"),
        (
            Fault(
                "POST",
                COMMENTS,
                403,
                headers={"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"},
                message="Resource not accessible by integration",
            ),
            NotPermittedError,
            "one of these permissions: issues=write; pull_requests=write",
        ),
        (
            Fault(
                "POST", COMMENTS, 403, message="Unable to create comment because issue is locked."
            ),
            LockedError,
            "conversation is locked",
        ),
        (Fault("GET", "/pulls/7", 404, message="Not Found"), NotThereError, "may not read"),
        (Fault("POST", COMMENTS, 422, message="Validation Failed"), NotTakenError, "Validation"),
        (Fault("GET", COMMENTS, 502, count=9), UnavailableError, "answers 502"),
        (Fault("GET", COMMENTS, 0, count=9), UnavailableError, "connection broke"),
        (
            Fault("GET", COMMENTS, 429, count=9, headers={"Retry-After": "600"}),
            LimitedError,
            "600 s",
        ),
        (Fault("GET", COMMENTS, 418, message=f"{TOKEN} is a teapot"), UnexpectedAnswerError, "418"),
        (Fault("GET", COMMENTS, 200, message="hello"), UnexpectedAnswerError, "no list"),
        (
            Fault("GET", COMMENTS, 302, headers={"Location": "https://evil.example/"}),
            UnexpectedAnswerError,
            "points elsewhere",
        ),
    ],
)
def test_refusals_are_sentences_without_the_token(
    hub: Hub, fault: Fault, error: type[GitHubError], said: str
) -> None:
    hub.faults = [fault]
    with pytest.raises(error, match=said) as refused:
        run(hub)
    assert TOKEN not in str(refused.value)
    assert hub.bodies(7) == []


def test_pages_that_lead_elsewhere_are_not_followed(hub: Hub) -> None:
    link = '<https://evil.example/repos?page=2>; rel="next"'
    hub.faults = [Fault("GET", COMMENTS, 200, headers={"Link": link})]
    with pytest.raises(UnexpectedAnswerError, match="no JSON"):
        run(hub)
    through = github(hub)
    assert TOKEN not in repr(through)


def test_reader_may_not_write(hub: Hub) -> None:
    with pytest.raises(NotPermittedError, match=r"comment on #7 .*pull_requests=write"):
        run(hub, token="reader")


def test_busy_github_is_asked_again(hub: Hub) -> None:
    hub.faults = [
        Fault("GET", "/pulls/7", 503),
        Fault("GET", COMMENTS, 500, count=2),
        Fault("GET", COMMENTS, 0),
    ]
    waits = Waits()
    assert run(hub, wait=waits).done is Done.CREATED
    assert waits == [1, 1, 2, 4]
    hub.faults = [Fault("PATCH", "comments/", 502, served=True), Fault("PATCH", "comments/", 0)]
    assert run(hub, number=6).done is Done.UPDATED
    assert own(hub) == [Stamp(NEW, 6, 1)]


@pytest.mark.parametrize(
    ("headers", "message", "waited"),
    [
        ({"Retry-After": "7"}, "", [7]),
        ({}, "You have exceeded a secondary rate limit.", [60]),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, "", [1]),
    ],
)
def test_limits_of_rates_are_waited_for(
    hub: Hub, headers: dict[str, str], message: str, waited: list[float]
) -> None:
    hub.faults = [Fault("POST", COMMENTS, 403, headers=headers, message=message)]
    waits = Waits()
    assert run(hub, wait=waits).done is Done.CREATED
    assert waits == waited
    assert len(hub.bodies(7)) == 1


@pytest.mark.parametrize("status", [0, 502])
@pytest.mark.parametrize("arrives", [True, False])
def test_post_that_broke_is_not_made_twice(hub: Hub, status: int, *, arrives: bool) -> None:
    hub.faults = [Fault("POST", COMMENTS, status, served=arrives)]
    assert run(hub).done is Done.CREATED
    assert own(hub) == [Stamp(NEW, 5, 1)]
    assert writes(hub) == ["POST"] if arrives else ["POST", "POST"]


def test_post_that_never_works_is_given_up(hub: Hub) -> None:
    hub.faults = [Fault("POST", COMMENTS, 500, count=9)]
    with pytest.raises(UnavailableError, match="comment on #7: it answers 500"):
        run(hub)
    assert writes(hub) == ["POST"] * 3


def test_token_goes_nowhere_without_encryption() -> None:
    for api in ("http://api.github.com", "ftp://api.github.com", "api.github.com", ""):
        with pytest.raises(BadApiUrlError):
            Transport(TOKEN, api)
    with pytest.raises(TokenMissingError, match="GITHUB_TOKEN"):
        Transport("")
