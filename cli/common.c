#include "cli/cli.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/endpoint.h"

static bool take_setting(struct qn_cli_common *common, char *argument)
{
    char *equals = strchr(argument, '=');
    if (!equals || equals == argument) {
        fprintf(stderr, "quern: expected --set KEY=VALUE, got '%s'\n", argument);
        return false;
    }
    if (common->n_settings == QN_CLI_SETTINGS) {
        fprintf(stderr, "quern: more than %d --set are refused\n", QN_CLI_SETTINGS);
        return false;
    }
    *equals = '\0';
    common->settings[common->n_settings++] = (struct qn_setting){argument, equals + 1};
    return true;
}

bool qn_cli_common(struct qn_cli_common *common, int option, char *argument)
{
    switch (option) {
    case 'J': common->json = true; return true;
    case 'q': common->quiet = true; return true;
    case 'v': common->verbose = true; return true;
    case 'C': common->no_color = true; return true;
    case 'S': common->state = argument; return true;
    case 'P': return take_setting(common, argument);
    case 'L':
        common->log_json = strcmp(argument, "json") == 0;
        if (common->log_json || strcmp(argument, "text") == 0)
            return true;
        fprintf(stderr, "quern: expected --log-format text or json, got '%s'\n", argument);
        return false;
    default: return false;
    }
}

void qn_cli_setup_log(const struct qn_cli_common *common, const char *who)
{
    struct qn_log_options options = {.level = common->quiet     ? QN_LOG_WARN
                                              : common->verbose ? QN_LOG_DEBUG
                                                                : QN_LOG_INFO,
                                     .json = common->log_json,
                                     .color = !common->no_color && isatty(STDERR_FILENO),
                                     .who = who};
    qn_log_setup(&options);
}

const char *qn_cli_state(const struct qn_cli_common *common, const char *spec_folder,
                         struct qn_arena *arena)
{
    char here[4096];
    if (!common->state)
        return qn_arena_printf(arena, "%s/.quern", spec_folder);
    if (common->state[0] == '/' || !getcwd(here, sizeof here))
        return qn_arena_strdup(arena, qn_strv_from(common->state));
    return qn_arena_printf(arena, "%s/%s", here, common->state);
}

void qn_cli_complain(const struct qn_cli_common *common, const struct qn_err *err)
{
    char text[1600];
    qn_err_format(err, text, sizeof text);
    if (!common->json) {
        fprintf(stderr, "quern: %s\n", text);
        return;
    }
    fputs("{\"error\":", stdout);
    qn_cli_json_text(stdout, text);
    fprintf(stdout, ",\"code\":\"%s\",\"blame\":\"%s\"}\n", qn_code_name(err->code),
            qn_blame_name(err->blame));
}

int qn_cli_exit(qn_code code)
{
    if (code == QN_OK)
        return QN_EXIT_OK;
    return code == QN_ENOTFOUND || code == QN_EINPUT ? QN_EXIT_USAGE : QN_EXIT_FAILED;
}

bool qn_cli_number(const char *option, const char *text, int64_t low, int64_t high, int64_t *out)
{
    if (qn_strv_to_i64(qn_strv_from(text), out) && *out >= low && *out <= high)
        return true;
    fprintf(stderr, "quern: expected %s as a whole number from %lld to %lld, got '%s'\n", option,
            (long long)low, (long long)high, text);
    return false;
}

bool qn_cli_endpoint(const char *option, const char *text, bool listens)
{
    struct qn_err err = {0};
    if (qn_endpoint_check(text, listens, &err) == QN_OK)
        return true;
    fprintf(stderr, "quern: %s: %s\n", option, err.message);
    return false;
}

void qn_cli_json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}
