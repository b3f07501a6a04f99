/* What --memory means, and what it is without the option. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "flow/value.h"

bool qn_cli_memory(const char *text, uint64_t *bytes)
{
    if (qn_parse_bytes(qn_strv_from(text), bytes) && *bytes >= UINT64_C(1) << 20)
        return true;
    fprintf(stderr, "quern: expected --memory of 1MiB or more, such as 512MiB or 2GiB, got '%s'\n",
            text);
    return false;
}

/* The limit of the process's group, where there is one. */
static uint64_t group_limit(void)
{
    char text[32] = "";
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
    if (!file)
        return UINT64_MAX;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    char *end;
    uint64_t limit = strtoull(text, &end, 10);
    return end == text ? UINT64_MAX : limit; /* "max" */
}

uint64_t qn_cli_default_memory(uint32_t n_workers)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t whole = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(2) << 30;
    uint64_t limit = group_limit();
    return (limit < whole ? limit : whole) / 2 / n_workers;
}
