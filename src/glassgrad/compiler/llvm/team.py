"""The machine code of a team of threads: starting a job, claiming pieces of it, and a worker's life.

A job is a function `void share(table, state, thread, threads)`, with `void alone(table, state)` for one thread. The
thread that starts it is number 0 and goes through all of it; the others help where there are pieces to claim. Nobody
waits for a thread that has not come, because the system runs something else on its processor: what it does not claim,
the others do. Waiting is busy for a few microseconds; a worker without a job goes to sleep.
"""

from __future__ import annotations

import platform

from .engine import LeanText

SPINS = 400
"""How often a thread looks whether the others have come before it lets other threads run: about 10 microseconds."""

IDLE_SPINS, IDLE_YIELDS = 2000, 50
"""How often a worker looks for a job, about 50 microseconds, and offers its processor, before it sleeps."""

SLOT, LOCK, SIGNAL = 320, 64, 192
"""Bytes of memory per worker: 64 for whether it is asleep, 128 each for a mutex and a condition of pthreads."""

PAUSES = {
    "x86_64": ("void @llvm.x86.sse2.pause()", "declare void @llvm.x86.sse2.pause()"),
    "aarch64": ("void @llvm.aarch64.hint(i32 1)", "declare void @llvm.aarch64.hint(i32)"),
}
PAUSES["arm64"] = PAUSES["aarch64"]
"""What tells a processor that a loop only waits."""


def team_code() -> str:
    """The module as LLVM IR text.

    `word` is the number of the latest job times 65536, plus how many threads may take part, 0 of them to end the
    workers. `entry` is the number of the job that can be entered times 65536, plus how many have entered; `left` is how
    many have left. `progress` is the part of the job that is being done, counted from 1. Each has a cache line of its
    own, because different threads write them.
    """
    pause, declaration = PAUSES.get(platform.machine(), ("", ""))
    return LeanText(
        _TEXT.format(
            spins=SPINS,
            idle_spins=IDLE_SPINS,
            idle_yields=IDLE_YIELDS,
            slot=SLOT,
            lock=LOCK,
            signal=SIGNAL,
            pause=f"call {pause}" if pause else "",
            declaration=declaration,
        )
    )


_TEXT = """
@word = global i64 0, align 64
@entry = global i64 0, align 64
@left = global i64 0, align 64
@progress = global i64 0, align 64
@busy = global i64 0, align 64
@share = global ptr null, align 64
@table = global ptr null
@state = global ptr null
@threads = global i64 0, align 64
@slots = global ptr null
@start = global ptr null

{declaration}
declare i32 @sched_yield()
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)

; --- inside a job -----------------------------------------------------------------------------------------------------

; wait until a counter has reached a number
define void @glassgrad_reach(ptr %counter, i64 %goal) {{
entry:
  br label %look
look:
  %tries = phi i64 [0, %entry], [%more, %waited]
  %count = load atomic i64, ptr %counter acquire, align 64
  %there = icmp sge i64 %count, %goal
  br i1 %there, label %end, label %wait
wait:
  %more = add i64 %tries, 1
  %long = icmp ugt i64 %more, {spins}
  br i1 %long, label %yield, label %spin
spin:
  {pause}
  br label %waited
yield:
  call i32 @sched_yield()
  br label %waited
waited:
  br label %look
end:
  ret void
}}

; thread 0: the part of this number may be done
define void @glassgrad_open(i64 %part) {{
  store atomic i64 %part, ptr @progress release, align 64
  ret void
}}

; another thread: 0 when the part of this number may be done, 1 if that is over, 2 if it takes long to come
define i32 @glassgrad_gate(i64 %part) {{
entry:
  br label %look
look:
  %tries = phi i64 [0, %entry], [%more, %spin]
  %now = load atomic i64, ptr @progress acquire, align 64
  %there = icmp sge i64 %now, %part
  br i1 %there, label %passed, label %wait
wait:
  %more = add i64 %tries, 1
  %long = icmp ugt i64 %more, {spins}
  br i1 %long, label %leave, label %spin
spin:
  {pause}
  br label %look
passed:
  %later = icmp sgt i64 %now, %part
  %answer = zext i1 %later to i32
  ret i32 %answer
leave:
  ret i32 2
}}

; take some of the pieces that are left: the first times 2**32, plus the first after them; 0 if none is left. Thread 0
; takes from the front, the others from the back, so that each finds in its cache what it has made the last time.
define internal i64 @claim(ptr %pieces, i64 %thread, i64 %threads) {{
entry:
  %initial = load atomic i64, ptr %pieces monotonic, align 64
  %parts = shl i64 %threads, 1
  %front = icmp eq i64 %thread, 0
  br label %try
try:
  %known = phi i64 [%initial, %entry], [%found, %take]
  %first = lshr i64 %known, 32
  %end = and i64 %known, 4294967295
  %some = icmp ult i64 %first, %end
  br i1 %some, label %take, label %none
take:
  %count = sub i64 %end, %first
  %fair = udiv i64 %count, %parts
  %few = icmp eq i64 %fair, 0
  %amount = select i1 %few, i64 1, i64 %fair
  %middle_up = add i64 %first, %amount
  %middle_down = sub i64 %end, %amount
  %from = select i1 %front, i64 %first, i64 %middle_down
  %to = select i1 %front, i64 %middle_up, i64 %end
  %new_first = select i1 %front, i64 %middle_up, i64 %first
  %new_end = select i1 %front, i64 %end, i64 %middle_down
  %high = shl i64 %new_first, 32
  %new = or i64 %high, %new_end
  %pair = cmpxchg ptr %pieces, i64 %known, i64 %new monotonic monotonic, align 64
  %found = extractvalue {{i64, i1}} %pair, 0
  %mine = extractvalue {{i64, i1}} %pair, 1
  br i1 %mine, label %got, label %try
got:
  %shifted = shl i64 %from, 32
  %answer = or i64 %shifted, %to
  ret i64 %answer
none:
  ret i64 0
}}

; do pieces of a step as long as there are some, and count them
define void @glassgrad_help(
  ptr %function, ptr %table, ptr %places, ptr %pieces, ptr %ended, i64 %thread, i64 %threads, i64 %most
) {{
entry:
  %wanted = icmp slt i64 %thread, %most
  br i1 %wanted, label %look, label %end
look:
  %done = phi i64 [0, %entry], [%sum, %work]
  %taken = call i64 @claim(ptr %pieces, i64 %thread, i64 %threads)
  %none = icmp eq i64 %taken, 0
  br i1 %none, label %over, label %work
work:
  %first = lshr i64 %taken, 32
  %after = and i64 %taken, 4294967295
  call void %function(ptr %table, ptr %places, i64 %first, i64 %after)
  %count = sub i64 %after, %first
  %sum = add i64 %done, %count
  br label %look
over:
  %nothing = icmp eq i64 %done, 0
  br i1 %nothing, label %end, label %report
report:
  atomicrmw add ptr %ended, i64 %done acq_rel, align 64
  br label %end
end:
  ret void
}}

; --- starting a job ---------------------------------------------------------------------------------------------------

; wake those of the workers from `worker` to before `last` and `threads` that sleep
define internal void @wake(i64 %worker, i64 %last, i64 %threads) {{
entry:
  %slots = load ptr, ptr @slots
  br label %next
next:
  %one = phi i64 [%worker, %entry], [%following, %awake]
  %within = icmp slt i64 %one, %threads
  %before = icmp slt i64 %one, %last
  %going = and i1 %within, %before
  br i1 %going, label %look, label %end
look:
  %place = mul i64 %one, {slot}
  %slot = getelementptr i8, ptr %slots, i64 %place
  %asleep = load atomic i64, ptr %slot seq_cst, align 64
  %sleeps = icmp ne i64 %asleep, 0
  br i1 %sleeps, label %wake, label %awake
wake:
  %lock = getelementptr i8, ptr %slot, i64 {lock}
  %signal = getelementptr i8, ptr %slot, i64 {signal}
  call i32 @pthread_mutex_lock(ptr %lock)
  call i32 @pthread_cond_signal(ptr %signal)
  call i32 @pthread_mutex_unlock(ptr %lock)
  br label %awake
awake:
  %following = add i64 %one, 1
  br label %next
end:
  ret void
}}

; a new number for a job; it can be entered
define internal void @announce(i64 %threads) {{
  %before = load i64, ptr @word
  %number = lshr i64 %before, 16
  %next = add i64 %number, 1
  %shifted = shl i64 %next, 16
  %word = or i64 %shifted, %threads
  store atomic i64 %shifted, ptr @entry release, align 64
  store atomic i64 %word, ptr @word seq_cst, align 64
  ret void
}}

; run a job on at most `most` threads; `alone` on this one if the team has other work or is one thread
define void @glassgrad_launch(ptr %share, ptr %alone, ptr %table, ptr %state, i64 %most) {{
entry:
  %known = load atomic i64, ptr @threads monotonic, align 64
  %single = icmp eq i64 %known, 1
  br i1 %single, label %by_one, label %try
by_one:
  call void %alone(ptr %table, ptr %state)
  ret void
try:
  %mine = call i32 @take()
  %taken = icmp ne i32 %mine, 0
  br i1 %taken, label %ready, label %by_one
ready:
  %there = load i64, ptr @threads
  %missing = icmp eq i64 %there, 0
  br i1 %missing, label %gather, label %go
gather:
  %start = load ptr, ptr @start
  call void %start()
  br label %go
go:
  %team = load i64, ptr @threads
  %fewer = icmp slt i64 %team, %most
  %threads = select i1 %fewer, i64 %team, i64 %most
  %several = icmp sgt i64 %threads, 1
  br i1 %several, label %together, label %not_together
not_together:
  call void @give()
  br label %by_one
together:
  store ptr %share, ptr @share
  store ptr %table, ptr @table
  store ptr %state, ptr @state
  store atomic i64 0, ptr @left monotonic, align 64
  store atomic i64 0, ptr @progress monotonic, align 64
  call void @announce(i64 %threads)
  call void @wake(i64 1, i64 2, i64 %threads)
  call void %share(ptr %table, ptr %state, i64 0, i64 %threads)
  %last = atomicrmw xchg ptr @entry, i64 0 acq_rel, align 64
  %entered = and i64 %last, 65535
  call void @glassgrad_reach(ptr @left, i64 %entered)
  call void @give()
  ret void
}}

; take the team for oneself; 0 if somebody else has it
define i32 @take() {{
  %pair = cmpxchg ptr @busy, i64 0, i64 1 acquire monotonic, align 64
  %got = extractvalue {{i64, i1}} %pair, 1
  %answer = zext i1 %got to i32
  ret i32 %answer
}}

define void @give() {{
  store atomic i64 0, ptr @busy release, align 64
  ret void
}}

; end the workers; hold the team
define void @dismiss() {{
  call void @announce(i64 0)
  %threads = load i64, ptr @threads
  call void @wake(i64 1, i64 %threads, i64 %threads)
  ret void
}}

; --- a worker's life --------------------------------------------------------------------------------------------------

; whether a word is news for a worker: a job that it may take part in, or the end
define internal i1 @concerns(i64 %word, i64 %seen, i64 %thread) alwaysinline {{
  %new = icmp ne i64 %word, %seen
  %threads = and i64 %word, 65535
  %last = icmp eq i64 %threads, 0
  %within = icmp slt i64 %thread, %threads
  %either = or i1 %last, %within
  %news = and i1 %new, %either
  ret i1 %news
}}

; enter the job of this number; false if it is over
define internal i1 @enter(i64 %number) {{
entry:
  %initial = load atomic i64, ptr @entry acquire, align 64
  br label %try
try:
  %known = phi i64 [%initial, %entry], [%found, %attempt]
  %current = lshr i64 %known, 16
  %same = icmp eq i64 %current, %number
  br i1 %same, label %attempt, label %over
attempt:
  %more = add i64 %known, 1
  %pair = cmpxchg ptr @entry, i64 %known, i64 %more acq_rel acquire, align 64
  %found = extractvalue {{i64, i1}} %pair, 0
  %inside = extractvalue {{i64, i1}} %pair, 1
  br i1 %inside, label %yes, label %try
yes:
  ret i1 1
over:
  ret i1 0
}}

; outside, until the part after `part` of the job of this number begins, or the job is over
define internal void @rest(i64 %number, i64 %part) {{
entry:
  br label %look
look:
  %entry_now = load atomic i64, ptr @entry acquire, align 64
  %current = lshr i64 %entry_now, 16
  %same = icmp eq i64 %current, %number
  %now = load atomic i64, ptr @progress acquire, align 64
  %stuck = icmp eq i64 %now, %part
  %waits = and i1 %same, %stuck
  br i1 %waits, label %wait, label %end
wait:
  call i32 @sched_yield()
  br label %look
end:
  ret void
}}

; the life of a worker that has seen the word `first`
define void @work(i64 %thread, i64 %first) {{
entry:
  %slots = load ptr, ptr @slots
  %place = mul i64 %thread, {slot}
  %slot = getelementptr i8, ptr %slots, i64 %place
  %lock = getelementptr i8, ptr %slot, i64 {lock}
  %signal = getelementptr i8, ptr %slot, i64 {signal}
  %twice = shl i64 %thread, 1
  %beyond_twice = add i64 %twice, 2
  br label %idle
idle:
  %seen = phi i64 [%first, %entry], [%word, %come], [%word, %done]
  br label %look
look:
  %tries = phi i64 [0, %idle], [%more, %waited]
  %looked = load atomic i64, ptr @word acquire, align 64
  %found = call i1 @concerns(i64 %looked, i64 %seen, i64 %thread)
  br i1 %found, label %news, label %wait
wait:
  %more = add i64 %tries, 1
  %long = icmp ugt i64 %more, {idle_spins}
  br i1 %long, label %tired, label %spin
spin:
  {pause}
  br label %waited
tired:
  %beyond = sub i64 %more, {idle_spins}
  %enough = icmp ugt i64 %beyond, {idle_yields}
  br i1 %enough, label %bed, label %yield
yield:
  call i32 @sched_yield()
  br label %waited
waited:
  br label %look
bed:
  call i32 @pthread_mutex_lock(ptr %lock)
  store atomic i64 1, ptr %slot seq_cst, align 64
  br label %dream
dream:
  %heard = load atomic i64, ptr @word seq_cst, align 64
  %called = call i1 @concerns(i64 %heard, i64 %seen, i64 %thread)
  br i1 %called, label %rise, label %sleep
sleep:
  call i32 @pthread_cond_wait(ptr %signal, ptr %lock)
  br label %dream
rise:
  store atomic i64 0, ptr %slot monotonic, align 64
  call i32 @pthread_mutex_unlock(ptr %lock)
  br label %news
news:
  %word = phi i64 [%looked, %look], [%heard, %rise]
  %number = lshr i64 %word, 16
  %threads = and i64 %word, 65535
  %ends = icmp eq i64 %threads, 0
  br i1 %ends, label %end, label %call_others
call_others:
  call void @wake(i64 %twice, i64 %beyond_twice, i64 %threads)
  br label %come
come:
  %inside = call i1 @enter(i64 %number)
  br i1 %inside, label %run, label %idle
run:
  %share = load ptr, ptr @share
  %table = load ptr, ptr @table
  %state = load ptr, ptr @state
  call void %share(ptr %table, ptr %state, i64 %thread, i64 %threads)
  %part = load atomic i64, ptr @progress acquire, align 64
  atomicrmw add ptr @left, i64 1 release, align 64
  br label %done
done:
  call void @rest(i64 %number, i64 %part)
  %entry_now = load atomic i64, ptr @entry acquire, align 64
  %current = lshr i64 %entry_now, 16
  %same = icmp eq i64 %current, %number
  br i1 %same, label %come, label %idle
end:
  ret void
}}
"""
