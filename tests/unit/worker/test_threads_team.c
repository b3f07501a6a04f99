/* A team does every turn together: all members once, and nobody goes on before the last is through,
 * whether they come at once or after they fell asleep. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "worker/team.h"

enum { MEMBERS = 5 };

struct scene {
    uint32_t calls[MEMBERS]; /* each written by its member alone */
    uint64_t sum;            /* written between turns */
    uint64_t seen[MEMBERS];
    uint32_t late; /* this member sleeps in the turn */
};

static void act(void *context, uint32_t member)
{
    struct scene *scene = context;
    if (scene->late == member)
        usleep(2000);
    scene->calls[member]++;
    scene->seen[member] = scene->sum;
}

static void take_turns(uint32_t n_members, uint32_t n_turns, uint32_t sleeps_between)
{
    struct qn_team *team;
    struct qn_err err;
    struct scene scene = {.sum = 7};
    assert_ok(qn_team_new(n_members, &team, &err), &err);
    for (uint32_t turn = 1; turn <= n_turns; turn++) {
        scene.late = sleeps_between ? turn % n_members : MEMBERS;
        qn_team_turn(team, act, &scene);
        for (uint32_t i = 0; i < n_members; i++) {
            assert_int_equal(scene.calls[i], turn);
            assert_int_equal(scene.seen[i], scene.sum);
        }
        scene.sum = scene.sum * 31 + turn;
        if (sleeps_between)
            usleep(sleeps_between);
    }
    qn_team_free(team);
}

static void all_take_every_turn(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= MEMBERS; n++)
        take_turns(n, 2000, 0);
}

static void sleepers_wake_up(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= MEMBERS; n++)
        take_turns(n, 20, 1000);
}

static void a_team_may_have_no_turn(void **state)
{
    struct qn_team *team;
    struct qn_err err;
    (void)state;
    for (uint32_t n = 1; n <= MEMBERS; n++) {
        assert_ok(qn_team_new(n, &team, &err), &err);
        qn_team_free(team);
    }
    assert_int_equal(qn_team_free(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_take_every_turn),
        cmocka_unit_test(sleepers_wake_up),
        cmocka_unit_test(a_team_may_have_no_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
