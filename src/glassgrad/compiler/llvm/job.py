"""The machine code that goes through the records of a segment: alone, or as a job of the team.

What a program calls, in which order and with which threads, is data: the code is the same for every program, however
long, and LLVM sees each kernel but no calls of it. `runtime/jobs.py` writes the records.

A segment has a header of `HEADER` bytes: where its steps begin and end, where its parts begin and end, where its
counters begin, and how many threads it has work for. A step is a function, the list of its places, its pieces, and how
many threads at most may do them. A part is the first step that thread 0 does alone, the first after these, which all
threads divide, the first after those, and how many pieces these have in all.
"""

from __future__ import annotations

from collections.abc import Sequence

from .names import segment_name

HEADER = 64
"""Bytes of a header."""

ROW = 32
"""Bytes of a step and of a part."""

LINE = 64
"""Bytes of a counter, which is alone in its cache line."""


def job_code(place: int, divided: Sequence[bool]) -> str:
    """LLVM IR text: a function for each segment, with the team where its work is divided.

    place: the place in the table of a pointer to the headers, one after the other.
    """
    text = [_ALONE.format(row=ROW)]
    if any(divided):
        text.append(_JOB.format(row=ROW, line=LINE, lines=LINE // ROW))
    for number, with_team in enumerate(divided):
        run = _TOGETHER if with_team else _BY_ONE
        text.append(_SEGMENT.format(name=segment_name(number), place=place, header=HEADER * number, run=run))
    return "\n".join(text)


_ALONE = """
; the steps from `first` up to but not including `after`
define internal void @run(ptr %table, ptr %first, ptr %after) {{
entry:
  %some = icmp ult ptr %first, %after
  br i1 %some, label %step, label %end
step:
  %row = phi ptr [%first, %entry], [%next, %step]
  %function = load ptr, ptr %row
  %places_at = getelementptr i8, ptr %row, i64 8
  %places = load ptr, ptr %places_at
  %pieces_at = getelementptr i8, ptr %row, i64 16
  %pieces = load i64, ptr %pieces_at
  call void %function(ptr %table, ptr %places, i64 0, i64 %pieces)
  %next = getelementptr i8, ptr %row, i64 {row}
  %more = icmp ult ptr %next, %after
  br i1 %more, label %step, label %end
end:
  ret void
}}

; all steps, in order
define internal void @alone(ptr %table, ptr %header) {{
  %first = load ptr, ptr %header
  %after_at = getelementptr i8, ptr %header, i64 8
  %after = load ptr, ptr %after_at
  call void @run(ptr %table, ptr %first, ptr %after)
  ret void
}}
"""

_JOB = """
declare void @glassgrad_launch(ptr, ptr, ptr, ptr, i64)
declare void @glassgrad_open(i64)
declare i32 @glassgrad_gate(i64)
declare void @glassgrad_help(ptr, ptr, ptr, ptr, ptr, i64, i64, i64)
declare void @glassgrad_reach(ptr, i64)

; what every thread of a team runs. Thread 0 opens a part when the part before it has ended, does what is not divided,
; and then claims pieces of what is, as the others do from the beginning. Parts that are not divided are not counted.
define internal void @job(ptr %table, ptr %header, i64 %thread, i64 %threads) {{
entry:
  %parts_at = getelementptr i8, ptr %header, i64 16
  %parts = load ptr, ptr %parts_at
  %parts_end_at = getelementptr i8, ptr %header, i64 24
  %parts_end = load ptr, ptr %parts_end_at
  %counters_at = getelementptr i8, ptr %header, i64 32
  %counters = load ptr, ptr %counters_at
  %leads = icmp eq i64 %thread, 0
  br label %look
look:
  %part = phi ptr [%parts, %entry], [%next, %passed]
  %before = phi i64 [0, %entry], [%number, %passed]
  %ended = phi ptr [%counters, %entry], [%following, %passed]
  %more = icmp ult ptr %part, %parts_end
  br i1 %more, label %begin, label %end
begin:
  %alone = load ptr, ptr %part
  %divided_at = getelementptr i8, ptr %part, i64 8
  %divided = load ptr, ptr %divided_at
  %after_at = getelementptr i8, ptr %part, i64 16
  %after = load ptr, ptr %after_at
  %total_at = getelementptr i8, ptr %part, i64 24
  %total = load i64, ptr %total_at
  %is_divided = icmp ult ptr %divided, %after
  %one = zext i1 %is_divided to i64
  %number = add i64 %before, %one
  %lefts = getelementptr i8, ptr %ended, i64 {line}
  %from = ptrtoint ptr %divided to i64
  %to = ptrtoint ptr %after to i64
  %rows = sub i64 %to, %from
  %counted = mul i64 %rows, {lines}
  %with_ended = add i64 %counted, {line}
  %used = select i1 %is_divided, i64 %with_ended, i64 0
  %following = getelementptr i8, ptr %ended, i64 %used
  br i1 %leads, label %lead, label %follow
lead:
  br i1 %is_divided, label %prepare, label %by_itself
prepare:
  store i64 0, ptr %ended
  br label %count
count:
  %counted_row = phi ptr [%divided, %prepare], [%next_counted, %count]
  %counted_left = phi ptr [%lefts, %prepare], [%next_left, %count]
  %pieces_at = getelementptr i8, ptr %counted_row, i64 16
  %pieces = load i64, ptr %pieces_at
  store i64 %pieces, ptr %counted_left
  %next_counted = getelementptr i8, ptr %counted_row, i64 {row}
  %next_left = getelementptr i8, ptr %counted_left, i64 {line}
  %uncounted = icmp ult ptr %next_counted, %after
  br i1 %uncounted, label %count, label %open
open:
  call void @glassgrad_open(i64 %number)
  br label %by_itself
by_itself:
  call void @run(ptr %table, ptr %alone, ptr %divided)
  br i1 %is_divided, label %help, label %passed
follow:
  br i1 %is_divided, label %gate, label %passed
gate:
  %answer = call i32 @glassgrad_gate(i64 %number)
  switch i32 %answer, label %end [ i32 0, label %help
                                   i32 1, label %passed ]
help:
  %row = phi ptr [%divided, %by_itself], [%divided, %gate], [%next_row, %help]
  %left = phi ptr [%lefts, %by_itself], [%lefts, %gate], [%next_help, %help]
  %function = load ptr, ptr %row
  %places_at = getelementptr i8, ptr %row, i64 8
  %places = load ptr, ptr %places_at
  %most_at = getelementptr i8, ptr %row, i64 24
  %most = load i64, ptr %most_at
  call void @glassgrad_help(
    ptr %function, ptr %table, ptr %places, ptr %left, ptr %ended, i64 %thread, i64 %threads, i64 %most
  )
  %next_row = getelementptr i8, ptr %row, i64 {row}
  %next_help = getelementptr i8, ptr %left, i64 {line}
  %unhelped = icmp ult ptr %next_row, %after
  br i1 %unhelped, label %help, label %helped
helped:
  br i1 %leads, label %reach, label %passed
reach:
  call void @glassgrad_reach(ptr %ended, i64 %total)
  br label %passed
passed:
  %next = getelementptr i8, ptr %part, i64 {row}
  br label %look
end:
  ret void
}}
"""

_SEGMENT = """
define void @"{name}"(ptr %table) {{
  %headers_at = getelementptr ptr, ptr %table, i64 {place}
  %headers = load ptr, ptr %headers_at
  %header = getelementptr i8, ptr %headers, i64 {header}
{run}
  ret void
}}
"""

_BY_ONE = "  call void @alone(ptr %table, ptr %header)"

_TOGETHER = """\
  %most_at = getelementptr i8, ptr %header, i64 40
  %most = load i64, ptr %most_at
  call void @glassgrad_launch(ptr @job, ptr @alone, ptr %table, ptr %header, i64 %most)"""
