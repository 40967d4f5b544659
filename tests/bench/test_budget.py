"""The budget of a message: whose a sample is, and that none gets lost on its way to table and picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import pytest
from benchmarks.budget import flame, layers, page, sampling
from benchmarks.budget.budget import Budget, Column, pictured
from benchmarks.budget.layers import INTERPRETER, Frame

ERROR_MAX = 0.2
"""How far the sum of a column's rows may be from what was measured; the page says how far it is."""

SCRIPT = """\
  77
 ffffffff82200809 _raw_spin_unlock_irqrestore+0x19 ([kernel.kallsyms])
 ffffffff81e327be sock_def_readable+0x3e ([kernel.kallsyms])
 ffffffff81e2eae2 __sys_sendto+0x1c2 ([kernel.kallsyms])
 ffffffff81e2eb30 __x64_sys_sendto+0x20 ([kernel.kallsyms])
 ffffffff821ecc51 do_syscall_64+0x71 ([kernel.kallsyms])
 ffffffff81000130 entry_SYSCALL_64_after_hwframe+0x76 ([kernel.kallsyms])
           10aba4 __send+0x64 (/usr/lib/x86_64-linux-gnu/libc.so.6)

  77
           2bcc52 _PyObject_GC_New+0x12 (/usr/lib/libpython3.11.so.1.0)
     7f9415c5ea00 [unknown] ([unknown])

  78
           11111 strange+0x1 (/usr/bin/other)

  77
           28000 send (/venv/site-packages/picows/picows.cpython-311-x86_64-linux-gnu.so)
"""
SEEN = {
    "main (app.py:1);uv__io_poll (linux.c:1);on_ws_frame (picows/picows.so);client_text "
    "(holdfast/runtime/relay_runner.py:116);WSTransport_send (picows/picows.so);send (libc.so.6)": 6,
    "main (app.py:1);uv__io_poll (linux.c:1);client_text (holdfast/runtime/relay_runner.py:111)": 3,
    "main (app.py:1);uv__io_poll (linux.c:1);on_ws_frame (holdfast/sockets/listener.py:9);"
    "Py_DECREF (object.h:537)": 1,
    "run (threading.py:2);write (log.py:3)": 50,
}


def ours() -> list[layers.Stack]:
    return [stack for pid, stack in sampling.read(SCRIPT) if pid == 77]


def kernel(*names: str) -> list[Frame]:
    return [Frame(name, "[kernel.kallsyms]") for name in names]


@pytest.mark.parametrize(
    ("stack", "whose"),
    [
        (kernel("_raw_spin_unlock", "sock_def_readable", "tcp_v4_rcv", "__x64_sys_sendto"), layers.WAKE),
        (kernel("tcp_v4_rcv", "tcp_sendmsg", "__x64_sys_sendto", "do_syscall_64"), layers.SEND),
        (kernel("tcp_recvmsg", "vfs_read", "ksys_read", "do_syscall_64"), layers.RECEIVE),
        (kernel("__schedule", "schedule", "do_epoll_wait", "__x64_sys_epoll_pwait"), layers.POLL),
        (kernel("clear_page_erms", "handle_mm_fault", "exc_page_fault"), layers.FAULTS),
        (kernel("hrtimer_interrupt", "asm_sysvec_apic_timer_interrupt"), layers.KERNEL),
        ([Frame("x", "/usr/sbin/nginx")], "nginx"),
        ([Frame("x", "/venv/site-packages/uvloop/loop.so"), *kernel()], "uvloop"),
        ([Frame("x", "/src/holdfast/express/_express.so")], layers.COMPILED),
        ([Frame("x", "/opt/strange.so")], layers.OTHER),
        ([], layers.OTHER),
    ],
)
def test_a_sample_belongs_to_whoever_had_the_processor(stack: list[Frame], whose: str) -> None:
    assert layers.layer(stack) == whose


def test_what_perf_writes_is_read_stack_by_stack() -> None:
    assert [pid for pid, _ in sampling.read(SCRIPT)] == [77, 77, 78, 77]
    stacks = ours()

    assert [*map(layers.layer, stacks)] == [layers.WAKE, INTERPRETER, "picows"]
    assert stacks[0][-1] == Frame("__send", "/usr/lib/x86_64-linux-gnu/libc.so.6")


def test_the_rows_of_a_column_add_up_and_the_interpreters_part_is_divided_whole() -> None:
    column = Column("gateway", "json")
    column.fill(3.1, ours(), us_of_a_sample=1.0)
    column.divide(SEEN)

    assert column.sampled_us == pytest.approx(3.0)
    assert column.error == pytest.approx(-0.1 / 3.1)
    assert column.modules == {"holdfast/runtime/relay_runner.py": 0.75, "holdfast/sockets/listener.py": 0.25}
    assert Budget.of(json.loads(json.dumps(Budget("", {}, {}, {}, [column]).as_json()))).columns == [column]


def test_a_picture_has_perfs_width_and_pyspys_order_with_the_kernel_inside() -> None:
    stacks, colours = pictured(ours(), SEEN, us_of_a_sample=1.0)

    assert sum(stacks.values()) == pytest.approx(3.0)
    (send,) = (stack for stack in stacks if "sock_def_readable [kernel]" in stack)
    calls = [name.partition(" ")[0] for name in send[1:5]]
    assert calls == [
        "on_ws_frame",
        "client_text",
        "WSTransport_send",
        "send",
    ]
    assert colours["client_text (holdfast/runtime/relay_runner.py)"] == "holdfast"
    assert stacks["picows",] == 1.0  # nobody saw picows itself from outside: it stands on the root
    assert boxes(flame.draw("one", stacks, colours))["all"] == pytest.approx(1200, abs=1)


def boxes(svg: str) -> Mapping[str, float]:
    """The width of each box by its name."""
    space = {"svg": "http://www.w3.org/2000/svg"}
    found = {}
    for group in ET.fromstring(svg).findall(".//svg:g/svg:g", space):
        title, box = group.find("svg:title", space), group.find("svg:rect", space)
        assert title is not None
        assert box is not None
        found[str(title.text).partition(":")[0]] = float(box.attrib["width"])
    return found


def test_the_page_of_the_reference_is_that_of_the_newest_figures() -> None:
    assert page.PAGE.read_text() == page.text(page.newest()), "run `python -m benchmarks.budget --page`"


def test_the_newest_figures_add_up_to_what_was_measured() -> None:
    budget = Budget.of(json.loads(page.newest().read_text()))

    assert {(column.name, column.face) for column in budget.columns} >= {
        ("gateway", "json"),
        ("gateway", "page"),
    }
    assert [column.title for column in budget.columns if abs(column.error) > ERROR_MAX] == []
    assert [column.flame for column in budget.columns if column.name == "gateway" and not column.flame] == []
