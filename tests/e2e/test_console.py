"""The operator's console in Chromium, before a gateway that tells what the test wants."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import console_scenes as scenes
from tests.e2e.console_stage import KEY, WIDE, ConsoleStage, go, now
from tests.e2e.waiting import until, when

pytestmark = pytest.mark.browser

FEW = 50
MANY_BESIDE_FEW = 3
"""So much longer a task may be with twenty times the rows; drawing them all takes ten times and more."""


def place_of(page: Page) -> int:
    """Where the cursor is in a session, in ms."""
    return int(page.get_by_role("slider").get_attribute("aria-valuenow") or -1)


def test_who_needs_somebody_comes_first_and_live(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    page = open_console()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nobody is talking at the moment.")
    expect(page.get_by_text("holdfast talk")).to_be_visible()

    rows = scenes.calm(now())
    console_stage.show(rows)
    expect(page.get_by_role("heading", level=1)).to_have_text("All 12 conversations go well.")
    worst = {**rows[7], "attention": 95, "why": "The upstream does not answer."}
    console_stage.change(rows=[worst])

    expect(page.get_by_role("heading", level=1)).to_have_text("One conversation needs you.")
    expect(page.get_by_role("table", name="Sessions").get_by_role("link").first).to_have_text(worst["why"])
    assert page.title() == "(1) Holdfast console"


def test_the_order_stands_still_under_a_pointer(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    rows = scenes.calm(now())
    console_stage.show(rows)
    page = open_console()
    links = page.get_by_role("table", name="Sessions").get_by_role("link")
    expect(links).to_have_count(12)
    before = page.locator(".r-what .r-id").all_inner_texts()
    links.nth(3).hover()
    last = next(row for row in rows if row["id"] == before[-1])
    console_stage.change(rows=[{**last, "attention": 95, "why": "It needs somebody."}])
    expect(page.get_by_text("Order held while you are here.")).to_be_visible()
    assert page.locator(".r-what .r-id").all_inner_texts() == before

    page.get_by_role("button", name="Sort again").click()
    expect(links.first).to_have_text("It needs somebody.")


def test_the_list_is_walked_with_keys_however_long_it_is(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    console_stage.show(scenes.crowd(now()))
    page = open_console()
    table = page.get_by_role("table", name="Sessions")
    table.get_by_role("link").first.focus()
    page.keyboard.press("ArrowDown")
    focused = "document.activeElement.closest('[data-id]')?.dataset.id"
    second = page.locator(".r-what .r-id").nth(1).inner_text()
    when(page, f"{focused} === '{second}'")

    page.keyboard.press("End")
    when(page, f"({focused} ?? '{second}') !== '{second}'")
    assert page.evaluate("document.activeElement.getBoundingClientRect().bottom < innerHeight")
    assert page.locator("[data-id]").count() < 60, "rows that nobody sees are not in the page"
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="← All sessions")).to_be_visible()


def test_filters_are_in_the_address(open_console: Callable[..., Page], console_stage: ConsoleStage) -> None:
    console_stage.show(scenes.troubled(now()))
    page = open_console("sessions?party=provider&state=running")
    links = page.get_by_role("table", name="Sessions").get_by_role("link")
    expect(links).to_have_count(1)
    page.get_by_label("Last fault").select_option("")
    page.get_by_label("Find").fill("microphone")
    expect(links).to_have_count(1)
    assert page.evaluate("location.hash") == "#/sessions?state=running&q=microphone"

    links.first.click()
    page.get_by_role("link", name="← All sessions").click()
    assert page.evaluate("location.hash") == "#/sessions?state=running&q=microphone"
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate("location.hash") == "#/sessions"


def test_a_timeline_is_walked_with_keys(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    session = console_stage.sessions[rows[0]["id"]]
    page = open_console(f"session/{rows[0]['id']}?t=0")
    slider = page.get_by_role("slider", name="Place in the session")
    slider.focus()
    seen = []
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        seen.append(place_of(page))
    marks = sorted({entry["t_ms"] for entry in session["timeline"]})
    assert seen == marks[1:7]
    page.keyboard.press("f")
    fault = next(entry for entry in session["timeline"] if entry["lane"] == "fault")
    assert place_of(page) == fault["t_ms"]
    assert fault["text"] in (slider.get_attribute("aria-valuetext") or "")
    expect(page.locator(".c-at")).to_contain_text("ECONNRESET")
    page.keyboard.press("]")
    assert place_of(page) == session["turns"][3]["began_ms"]
    page.keyboard.press("Shift+ArrowLeft")
    assert place_of(page) == session["turns"][3]["began_ms"] - 1_000
    page.keyboard.press("+")
    when(page, f"location.hash.includes('t={(session['turns'][3]['began_ms'] - 1_000) / 1_000}')")
    assert "zoom=" in page.evaluate("location.hash")
    page.keyboard.press("Home")
    assert place_of(page) == 0


def test_a_timeline_is_walked_with_a_pointer(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    page = open_console(f"session/{rows[0]['id']}?t=0&zoom=all")
    slider = page.get_by_role("slider")
    expect(page.locator(".p-kind-interrupted")).to_have_count(1)
    box = slider.bounding_box()
    mark = page.locator(".p-kind-interrupted").bounding_box()
    assert box is not None
    assert mark is not None
    slider.click(position={"x": mark["x"] + mark["width"] / 2 - box["x"], "y": 60})
    interrupted = next(
        entry for entry in console_stage.sessions[rows[0]["id"]]["timeline"] if entry["kind"] == "interrupted"
    )

    assert place_of(page) == pytest.approx(interrupted["t_ms"], abs=100)


def test_an_address_leads_to_a_moment_and_to_a_turn(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    page = open_console(f"session/{rows[0]['id']}?t=24.1")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "24100")
    expect(page.get_by_role("list", name="Events").locator("[aria-current=step]")).to_be_visible()
    go(page, f"session/{rows[0]['id']}?turn=2")
    began = console_stage.sessions[rows[0]["id"]]["turns"][1]["began_ms"]
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", str(began))


def test_a_bar_leads_to_real_turns(open_console: Callable[..., Page], console_stage: ConsoleStage) -> None:
    console_stage.show(scenes.troubled(now()))
    page = open_console("latency")
    bar = page.get_by_role("link", name="1.00 s to 1.20 s: 318 turns")
    bar.focus()
    page.keyboard.press("Enter")
    first = page.get_by_role("link", name="Turn 1 of")
    expect(first).to_be_visible()
    assert page.evaluate("location.hash") == "#/latency?bucket=1000"
    first.click()
    assert page.evaluate("location.hash").startswith("#/session/")


@pytest.mark.parametrize(
    ("place", "title", "columns"),
    [
        ("latency", "What the silence is made of", "turn,uplink ms,endpointing ms"),
        ("latency", "Silence, minute by minute", "minute,p50 ms,p95 ms,p99 ms,turns"),
        ("latency", "How often how long", "from ms,to ms,turns,examples"),
        ("faults", "Faults by party", "time,party,code,message,session"),
        ("cost", "Cost a minute", "time,USD a minute"),
        ("cost", "The most expensive conversations", "session,customer,upstream,model"),
        ("session/{one}", "Turns", "turn,began ms,silence ms,uplink ms"),
    ],
)
def test_behind_every_picture_is_a_table_and_a_file(
    open_console: Callable[..., Page], console_stage: ConsoleStage, place: str, title: str, columns: str
) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    page = open_console(place.format(one=rows[0]["id"]))
    with page.expect_download() as download:
        page.get_by_role("button", name=f"CSV of {title}").click()
    lines = download.value.path().read_text().splitlines()
    page.get_by_role("button", name=f"Table of {title}").click()
    table = page.get_by_role("region", name=f"{title}: table").get_by_role("table")

    assert lines[0].startswith(columns)
    expect(table.get_by_role("columnheader")).to_have_text(lines[0].split(","))
    expect(table.get_by_role("row")).to_have_count(len(lines))
    assert "table=" in page.evaluate("location.hash")


def test_the_parts_of_every_turn_add_up(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    page = open_console(f"session/{rows[0]['id']}?table=turns")
    cells = page.get_by_role("region", name="Turns: table").get_by_role("row").all_inner_texts()[1:]
    for line in cells:
        numbers = [float(cell) for cell in line.split("\t")[2:9]]
        assert numbers[0] == sum(numbers[1:])


def test_a_lost_line_is_said_with_its_age_and_healed(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    console_stage.show(scenes.calm(now()))
    page = open_console()
    expect(page.get_by_text("Live", exact=True).first).to_be_visible()
    console_stage.reachable = False
    console_stage.cut()
    expect(page.get_by_text("The line to the gateway is lost.")).to_be_visible()
    expect(page.get_by_text("You see how it was")).to_be_visible()
    expect(page.get_by_role("table", name="Sessions").get_by_role("link")).to_have_count(12)
    console_stage.reachable = True
    expect(page.get_by_text("The line to the gateway is lost.")).to_have_count(0, timeout=15_000)
    expect(page.locator(".c-fresh")).to_have_text("Live")


def test_what_fails_stands_first_with_commands_to_copy(open_console: Callable[..., Page]) -> None:
    page = open_console("setup")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 check failed.")
    checks = page.locator(".c-checks > li")
    expect(checks.first).to_contain_text("OPENAI_API_KEY is empty")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    checks.first.get_by_role("button", name="Copy").first.click()
    expect(checks.first.get_by_role("button", name="Copied")).to_be_visible()

    assert page.evaluate("navigator.clipboard.readText()") == "export OPENAI_API_KEY=…"
    expect(checks.last.get_by_role("button", name="Copy")).to_be_visible()


def test_the_door(open_console: Callable[..., Page], console_stage: ConsoleStage) -> None:
    console_stage.needs_key, console_stage.signed_in = True, False
    console_stage.show(scenes.calm(now()))
    page = open_console()
    page.get_by_label("Operator’s key").fill("wrong")  # noqa: RUF001 - the page's own apostrophe
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This key is not known here.")
    page.get_by_label("Operator’s key").fill(KEY)  # noqa: RUF001 - the page's own apostrophe
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("table", name="Sessions")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_closed_door_says_what_opens_it(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    console_stage.signed_in, console_stage.reason = False, "No operator is named: set `[console] keys`."
    page = open_console()
    expect(page.get_by_role("heading", name="This console is closed.")).to_be_visible()
    expect(page.get_by_text("No operator is named")).to_be_visible()


def test_reading_is_all_unless_more_is_allowed(
    open_console: Callable[..., Page], console_stage: ConsoleStage
) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    page = open_console(f"session/{rows[0]['id']}")
    expect(page.get_by_text("Read-only")).to_be_visible()
    expect(page.get_by_role("button", name="End session")).to_have_count(0)

    console_stage.may_act = True
    page.reload()
    page.get_by_role("button", name="End session").click()
    assert console_stage.ended == []
    page.get_by_role("button", name="End this conversation now").click()
    until(lambda: console_stage.ended == [rows[0]["id"]], "the session is ended")


def test_explained_and_taken_along(open_console: Callable[..., Page], console_stage: ConsoleStage) -> None:
    rows = scenes.troubled(now())
    console_stage.show(rows)
    page = open_console(f"session/{rows[0]['id']}")
    page.get_by_role("button", name="Explain").click()
    told = page.get_by_label("Explanation")
    expect(told.get_by_role("heading", level=2)).to_have_text(console_stage.explanation["sentence"])
    expect(told).to_contain_text("provider.connection_lost")
    expect(told.get_by_role("meter")).to_have_count(2)
    assert "explain=1" in page.evaluate("location.hash")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download bundle").click()
    assert download.value.suggested_filename == f"{rows[0]['id']}.zip"


@pytest.mark.timeout(120)
def test_a_thousand_rows_that_change_four_times_a_second_keep_the_page_smooth(
    launch: Callable[..., Browser], console_stage: ConsoleStage
) -> None:
    """Beside what fifty take in the same minute: what no screen shows must cost the page next to nothing."""
    few = longest_task_ms(launch(), console_stage, scenes.crowd(now(), FEW))
    many = longest_task_ms(launch(), console_stage, scenes.crowd(now()))

    print(f"\nfour times a second: the longest task took {few:.1f} ms with {FEW} rows, {many:.1f} with 1,000")

    assert many < MANY_BESIDE_FEW * few


def longest_task_ms(browser: Browser, stage: ConsoleStage, rows: list[dict[str, Any]]) -> float:
    """Processor time of the page's longest task while each row changes and somebody looks through them."""
    stage.show(rows)
    with browser.new_context(viewport=WIDE) as context:
        page = context.new_page()
        browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
        page.goto(f"{stage.url}/console")
        expect(page.get_by_role("table", name="Sessions").get_by_role("link").first).to_be_visible()
        for beat in range(20):
            stage.change(rows=[changed(row, beat) for row in rows])
            if beat % 4 == 0:
                page.mouse.move(600, 500)
                page.mouse.wheel(0, 900)
            page.wait_for_timeout(250)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        assert page.get_by_role("row").count() < 60
    return max(tasks_of_the_page(events))


def changed(row: dict[str, Any], beat: int) -> dict[str, Any]:
    """Everything that ticks, and now and then who needs somebody."""
    number = int(row["id"][2:6])
    attention = 70 if (number + beat) % 50 == 0 else row["attention"]
    cost = (row["cost_usd"] or 0) + 0.001 * beat
    return {
        **row,
        "turns": row["turns"] + beat,
        "attention": attention,
        "cost_usd": cost,
        "lastOut_ms": 100 * beat,
    }


def tasks_of_the_page(events: list[dict[str, Any]]) -> list[float]:
    """Processor time of each, in ms, in the renderer that draws the page; the first tab has its own."""
    pages = {event["pid"] for event in events if "/console/assets/" in json.dumps(event.get("args"))}
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name"
        and event["args"]["name"] == "CrRendererMain"
        and event["pid"] in pages
    }
    tasks = [
        float(event["tdur"]) / 1_000
        for event in events
        if event["name"].endswith("RunTask") and "tdur" in event and (event["pid"], event["tid"]) in mains
    ]
    assert tasks, "the trace holds no tasks"
    return tasks
