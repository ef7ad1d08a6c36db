"""The machine code of a team of threads: starting a job, waiting for each other, and a worker's life.

A job is a function `void share(table, arrived, thread, threads)` that every thread runs with its own number. Waiting is
busy for about 50 microseconds, because what follows usually comes within a few, then lets other threads run; a worker
without a job goes to sleep.
"""

from __future__ import annotations

import platform

SPINS = 400
"""How often a thread looks whether the others have come before it offers its processor: about 10 microseconds. They are
usually there within one; where there are more threads than processors, one of them waits for this one."""

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

    `word` is the number of the latest job times 65536, plus how many threads take part; 0 of them ends the workers.
    Each counter has a cache line of its own, because different threads write them.
    """
    pause, declaration = PAUSES.get(platform.machine(), ("", ""))
    return _TEXT.format(
        spins=SPINS,
        idle_spins=IDLE_SPINS,
        idle_yields=IDLE_YIELDS,
        slot=SLOT,
        lock=LOCK,
        signal=SIGNAL,
        pause=f"call {pause}" if pause else "",
        declaration=declaration,
    )


_TEXT = """
@word = global i64 0, align 64
@arrived = global i64 0, align 64
@done = global i64 0, align 64
@busy = global i64 0, align 64
@share = global ptr null, align 64
@table = global ptr null
@threads = global i64 0, align 64
@slots = global ptr null
@start = global ptr null

{declaration}
declare i32 @sched_yield()
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)

; wait until a counter has reached a number
define internal void @reach(ptr %counter, i64 %goal) noinline {{
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

; wait until every thread of the job has come to its barrier of this number, counted from 1
define void @glassgrad_barrier(ptr %arrived, i64 %number, i64 %threads) {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %end, label %meet
meet:
  atomicrmw add ptr %arrived, i64 1 acq_rel, align 64
  %goal = mul i64 %number, %threads
  call void @reach(ptr %arrived, i64 %goal)
  br label %end
end:
  ret void
}}

; wake those of the workers from 1 to before `threads` that sleep; how many
define internal i64 @wake(i64 %threads) {{
entry:
  %slots = load ptr, ptr @slots
  br label %next
next:
  %worker = phi i64 [1, %entry], [%following, %awake]
  %woken = phi i64 [0, %entry], [%sum, %awake]
  %going = icmp slt i64 %worker, %threads
  br i1 %going, label %look, label %end
look:
  %place = mul i64 %worker, {slot}
  %slot = getelementptr i8, ptr %slots, i64 %place
  %asleep = load atomic i64, ptr %slot seq_cst, align 64
  %sleeps = icmp ne i64 %asleep, 0
  br i1 %sleeps, label %wake, label %awake
wake:
  %lock = getelementptr i8, ptr %slot, i64 {lock}
  %signal = getelementptr i8, ptr %slot, i64 {signal}
  call i32 @pthread_mutex_lock(ptr %lock)
  store atomic i64 0, ptr %slot monotonic, align 64
  call i32 @pthread_cond_signal(ptr %signal)
  call i32 @pthread_mutex_unlock(ptr %lock)
  br label %awake
awake:
  %one = zext i1 %sleeps to i64
  %sum = add i64 %woken, %one
  %following = add i64 %worker, 1
  br label %next
end:
  ret i64 %woken
}}

; a new word for a job with so many threads, which the workers see
define internal void @announce(i64 %threads) {{
  %before = load i64, ptr @word
  %number = lshr i64 %before, 16
  %next = add i64 %number, 1
  %shifted = shl i64 %next, 16
  %word = or i64 %shifted, %threads
  store atomic i64 %word, ptr @word seq_cst, align 64
  ret void
}}

; run a job on at most `most` threads; on this one alone if the team has other work, or if the job is so short that it
; is done before those who sleep have woken up: the next job finds them awake
define void @glassgrad_launch(ptr %share, ptr %table, i64 %most, i1 %short) {{
entry:
  %known = load atomic i64, ptr @threads monotonic, align 64
  %single = icmp eq i64 %known, 1
  br i1 %single, label %alone, label %try
alone:
  call void %share(ptr %table, ptr @arrived, i64 0, i64 1)
  ret void
try:
  %mine = call i32 @take()
  %taken = icmp ne i32 %mine, 0
  br i1 %taken, label %ready, label %alone
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
  br i1 %several, label %look, label %not_together
look:
  br i1 %short, label %hurry, label %together
hurry:
  %woken = call i64 @wake(i64 %threads)
  %late = icmp ne i64 %woken, 0
  br i1 %late, label %not_together, label %together
not_together:
  call void @give()
  br label %alone
together:
  store ptr %share, ptr @share
  store ptr %table, ptr @table
  store atomic i64 0, ptr @arrived monotonic, align 64
  store atomic i64 0, ptr @done monotonic, align 64
  call void @announce(i64 %threads)
  call i64 @wake(i64 %threads)
  call void %share(ptr %table, ptr @arrived, i64 0, i64 %threads)
  %others = sub i64 %threads, 1
  call void @reach(ptr @done, i64 %others)
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
  call i64 @wake(i64 %threads)
  ret void
}}

; whether a word is news for a worker: a job that it takes part in, or the end
define internal i1 @concerns(i64 %word, i64 %seen, i64 %thread) alwaysinline {{
  %new = icmp ne i64 %word, %seen
  %threads = and i64 %word, 65535
  %last = icmp eq i64 %threads, 0
  %within = icmp slt i64 %thread, %threads
  %either = or i1 %last, %within
  %news = and i1 %new, %either
  ret i1 %news
}}

; the life of a worker that has seen the word `first`
define void @work(i64 %thread, i64 %first) {{
entry:
  %slots = load ptr, ptr @slots
  %place = mul i64 %thread, {slot}
  %slot = getelementptr i8, ptr %slots, i64 %place
  %lock = getelementptr i8, ptr %slot, i64 {lock}
  %signal = getelementptr i8, ptr %slot, i64 {signal}
  br label %idle
idle:
  %seen = phi i64 [%first, %entry], [%word, %run], [%seen, %up]
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
  br i1 %called, label %rise, label %wonder
wonder:
  %asleep = load atomic i64, ptr %slot monotonic, align 64
  %sleeps = icmp ne i64 %asleep, 0
  br i1 %sleeps, label %sleep, label %up
up:
  call i32 @pthread_mutex_unlock(ptr %lock)
  br label %idle
sleep:
  call i32 @pthread_cond_wait(ptr %signal, ptr %lock)
  br label %dream
rise:
  store atomic i64 0, ptr %slot monotonic, align 64
  call i32 @pthread_mutex_unlock(ptr %lock)
  br label %news
news:
  %word = phi i64 [%looked, %look], [%heard, %rise]
  %threads = and i64 %word, 65535
  %ends = icmp eq i64 %threads, 0
  br i1 %ends, label %end, label %run
run:
  %share = load ptr, ptr @share
  %table = load ptr, ptr @table
  call void %share(ptr %table, ptr @arrived, i64 %thread, i64 %threads)
  atomicrmw add ptr @done, i64 1 release, align 64
  br label %idle
end:
  ret void
}}
"""
