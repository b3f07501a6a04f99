#include "coordinator/pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/limits.h"
#include "coordinator/scratch.h"
#include "lake/manifest.h"

enum { PATH_BYTES = 4096, LINE_BYTES = 128 };
static const char magic[] = "quern pins 1";

static bool path_of(char path[PATH_BYTES], const char *state_folder, const char *run_id)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s/pins", state_folder, run_id);
    return n > 0 && n < PATH_BYTES;
}

/* --- writing --------------------------------------------------------------------------------- */

static bool is_pinned(const struct qn_plan *plan, uint32_t source)
{
    return plan->sources[source].manifest && !plan->spec.sources[source].snapshot;
}

qn_code qn_pins_keep(const char *state_folder, const char *run_id, const char *key,
                     const struct qn_plan *plan, struct qn_err *err)
{
    char path[PATH_BYTES], partial[PATH_BYTES + 8];
    struct qn_buf text;
    uint32_t n = 0;
    qn_buf_init(&text);
    qn_buf_printf(&text, "%s\n%s\n%s\n", magic, plan->spec.sha256, key);
    for (uint32_t i = 0; i < plan->spec.n_sources; i++)
        if (is_pinned(plan, i)) {
            qn_buf_printf(&text, "%llu %s\n", (unsigned long long)plan->sources[i].manifest->number,
                          plan->spec.sources[i].name);
            n++;
        }
    qn_code code = qn_buf_check(&text, "a run's snapshots", err);
    if (code == QN_OK && n && path_of(path, state_folder, run_id)) {
        snprintf(partial, sizeof partial, "%s.new", path);
        code = qn_disk_write_file(partial, qn_buf_strv(&text), err);
        if (code == QN_OK && rename(partial, path) != 0)
            code = qn_err_io(err, "write", path);
    }
    qn_buf_fini(&text);
    return code;
}

void qn_pins_drop(const char *state_folder, const char *run_id)
{
    char path[PATH_BYTES];
    if (path_of(path, state_folder, run_id))
        (void)unlink(path);
}

/* --- reading --------------------------------------------------------------------------------- */

struct search {
    const char *state_folder, *spec_sha256;
    char run_id[QN_CLOCK_ID]; /* the newest so far; "": none */
};

static bool read_line(FILE *file, char line[LINE_BYTES])
{
    if (!fgets(line, LINE_BYTES, file))
        return false;
    size_t n = strlen(line);
    if (n == 0 || line[n - 1] != '\n')
        return false;
    line[n - 1] = '\0';
    return true;
}

/* The file behind its first two lines; NULL: not there, or of another spec. */
static FILE *open_pins(const struct search *search, const char *run_id)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    FILE *file = path_of(path, search->state_folder, run_id) ? fopen(path, "re") : NULL;
    if (file && read_line(file, line) && strcmp(line, magic) == 0 && read_line(file, line) &&
        strcmp(line, search->spec_sha256) == 0)
        return file;
    if (file)
        fclose(file);
    return NULL;
}

static qn_code note_run(void *context, const char *run_id, struct qn_err *err)
{
    struct search *search = context;
    FILE *file = strcmp(run_id, search->run_id) > 0 ? open_pins(search, run_id) : NULL;
    (void)err;
    if (file) {
        snprintf(search->run_id, sizeof search->run_id, "%s", run_id);
        fclose(file);
    }
    return QN_OK;
}

static bool read_pin(const char *line, struct qn_arena *arena, struct qn_pin *out)
{
    char *end;
    out->snapshot = strtoull(line, &end, 10);
    out->source = *end == ' ' ? qn_arena_strdup(arena, qn_strv_from(end + 1)) : NULL;
    return out->source && out->snapshot;
}

bool qn_pins_find(const char *state_folder, const char *spec_sha256, struct qn_arena *arena,
                  struct qn_pins *out)
{
    struct search search = {.state_folder = state_folder, .spec_sha256 = spec_sha256};
    char line[LINE_BYTES];
    *out = (struct qn_pins){0};
    if (qn_scratch_each(state_folder, note_run, &search, NULL) != QN_OK || !search.run_id[0])
        return false;
    FILE *file = open_pins(&search, search.run_id);
    out->pins = QN_NEW_ARRAY(arena, struct qn_pin, QN_MAX_SOURCES);
    bool good = file && out->pins && read_line(file, line) && strlen(line) < sizeof out->key;
    if (good)
        memcpy(out->key, line, strlen(line) + 1);
    while (good && out->n < QN_MAX_SOURCES && read_line(file, line))
        good = read_pin(line, arena, &out->pins[out->n++]);
    if (file)
        fclose(file);
    return good;
}
