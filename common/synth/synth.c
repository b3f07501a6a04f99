#include "synth/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "synth/tables.h"

enum { WRITE_BYTES = 1 << 20 };

static const struct qn_synth *const all[] = {&qn_synth_churn, &qn_synth_events, &qn_synth_retail,
                                             NULL};

const struct qn_synth *const *qn_synth_all(void)
{
    return all;
}

const struct qn_synth *qn_synth_find(const char *name)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static bool write_rows(const struct qn_synth *synth, const struct qn_synth_options *options,
                       char *buffer, FILE *file)
{
    size_t used = strlen(synth->header);
    memcpy(buffer, synth->header, used);
    for (uint64_t row = 0; row < options->rows; row++) {
        if (used > WRITE_BYTES - QN_SYNTH_ROW_BYTES) {
            if (fwrite(buffer, 1, used, file) != used)
                return false;
            used = 0;
        }
        used += synth->row(options, row, buffer + used);
    }
    return fwrite(buffer, 1, used, file) == used && fflush(file) == 0;
}

/* Half a file would pass for a whole one; a device or a pipe stays. */
static void remove_file(const char *path)
{
    struct stat about;
    if (lstat(path, &about) == 0 && S_ISREG(about.st_mode))
        unlink(path);
}

qn_code qn_synth_write(const struct qn_synth *synth, const struct qn_synth_options *options,
                       const char *path, struct qn_err *err)
{
    struct qn_synth_options filled = *options;
    if (!filled.customers)
        filled.customers = filled.rows / 50 ? filled.rows / 50 : 1;
    char *buffer = malloc(WRITE_BYTES);
    if (!buffer)
        return qn_err_nomem(err, "rows to write");
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *file = to_stdout ? stdout : fopen(path, "wb");
    if (!file) {
        free(buffer);
        return qn_err_io(err, "create", path);
    }
    bool whole = write_rows(synth, &filled, buffer, file);
    qn_code code = whole ? QN_OK : qn_err_io(err, "write", path);
    if (!to_stdout && fclose(file) != 0 && whole)
        code = qn_err_io(err, "write", path);
    if (code != QN_OK && !to_stdout)
        remove_file(path);
    free(buffer);
    return code;
}
