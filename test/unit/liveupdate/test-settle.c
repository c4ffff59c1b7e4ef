/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "base/macro.h"
#include "liveupdate/settle.h"

/*
 * A script is what happens and when, in milliseconds, and what lu_settle_until() says at `ask`.
 * c: complete, o: open, x: closed, L: git lock taken, l: released, f: flushed.
 */
struct step {
        char what;
        uint64_t at;
};

struct row {
        const char *name;
        struct step steps[24];
        bool immediate;
        uint64_t ask;
        uint64_t expected; /* 0: it may go (or there is nothing) */
};

static const struct row rows[] = {
        {"nothing happened", {}, true, 5000, 0},
        {"a lone file goes at once", {{'c', 1000}}, true, 1000, 0},
        {"with a run it waits for 5 ms of quiet", {{'c', 1000}}, false, 1000, 1005},
        {"and goes after them", {{'c', 1000}}, false, 1005, 0},
        {"a file soon after another batch waits",
         {{'c', 1000}, {'f', 1001}, {'c', 1099}},
         true,
         1099,
         1104},
        {"a file 100 ms after another batch goes at once",
         {{'c', 1000}, {'f', 1001}, {'c', 1100}},
         true,
         1100,
         0},
        {"two files wait for quiet", {{'c', 1000}, {'c', 1002}}, true, 1002, 1007},
        {"nine files are no storm",
         {{'c', 1000},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1002}},
         true,
         1002,
         1007},
        {"ten files are a storm",
         {{'c', 1000},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1001},
          {'c', 1002}},
         true,
         1002,
         1012},
        {"a storm goes after 100 ms",
         {{'c', 1000},
          {'c', 1010},
          {'c', 1020},
          {'c', 1030},
          {'c', 1040},
          {'c', 1050},
          {'c', 1060},
          {'c', 1070},
          {'c', 1080},
          {'c', 1096}},
         true,
         1096,
         1100},
        {"the flush of a storm leaves nothing",
         {{'c', 1000}, {'c', 1002}, {'f', 1050}},
         true,
         1060,
         0},
        {"an open file waits for its close", {{'o', 1000}}, true, 1003, 1200},
        {"and goes when closed, alone, at once", {{'o', 1000}, {'x', 1004}}, true, 1004, 0},
        {"and goes when closed, with a run, after quiet",
         {{'o', 1000}, {'x', 1004}},
         false,
         1004,
         1009},
        {"an open file waits at most 200 ms", {{'o', 1000}}, true, 1200, 0},
        {"one of two open files was closed",
         {{'o', 1000}, {'o', 1001}, {'x', 1002}},
         true,
         1003,
         1200},
        {"many opens do not add up",
         {{'o', 1000}, {'x', 1090}, {'o', 1091}, {'x', 1150}, {'o', 1151}},
         true,
         1160,
         1200},
        {"a file that stays open holds up only its own batch",
         {{'o', 1000}, {'f', 1200}, {'c', 1400}},
         true,
         1400,
         0},
        {"its late close is no event", {{'o', 1000}, {'f', 1200}, {'x', 1300}}, true, 1300, 0},
        {"its late close does not end another's wait",
         {{'o', 1000}, {'f', 1200}, {'x', 1300}, {'o', 1400}},
         true,
         1401,
         1600},
        {"git holds everything", {{'L', 1000}, {'c', 1001}}, true, 1050, 6000},
        {"git's lock seen twice counts from the first",
         {{'L', 1000}, {'L', 1040}, {'c', 1041}},
         true,
         1050,
         6000},
        {"git lets go", {{'L', 1000}, {'c', 1001}, {'l', 1050}}, true, 1050, 0},
        {"git holds at most 5 s", {{'L', 1000}, {'c', 1001}}, true, 6000, 0},
        {"a lock without a batch holds nothing", {{'L', 1000}}, true, 1001, 0},
        {"a stale lock holds no later batch",
         {{'L', 1000}, {'c', 1001}, {'f', 6000}, {'c', 7000}},
         true,
         7000,
         0},
};

static void play(struct lu_settle *s, const struct step *step)
{
        switch (step->what) {
        case 'c':
                lu_settle_note(s, LU_SETTLE_COMPLETE, step->at);
                break;
        case 'o':
                lu_settle_note(s, LU_SETTLE_OPEN, step->at);
                break;
        case 'x':
                lu_settle_note(s, LU_SETTLE_CLOSED, step->at);
                break;
        case 'L':
        case 'l':
                lu_settle_git_lock(s, step->what == 'L', step->at);
                break;
        case 'f':
                lu_settle_flush(s);
                break;
        default:
                fail_msg("no such step: %c", step->what);
        }
}

static void when_a_batch_may_go(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct lu_settle s = {};
                uint64_t until;

                for (size_t j = 0; rows[i].steps[j].what; j++)
                        play(&s, &rows[i].steps[j]);
                until = lu_settle_until(&s, &lu_settle_defaults, rows[i].immediate, rows[i].ask);
                if (until != rows[i].expected)
                        fail_msg("%s: %llu instead of %llu", rows[i].name,
                                 (unsigned long long)until, (unsigned long long)rows[i].expected);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(when_a_batch_may_go),
        };

        return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
