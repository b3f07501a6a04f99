#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static struct qn_log_options options = {.level = QN_LOG_INFO, .who = "quern"};

static const char *const names[] = {"error", "warning", "info", "debug"};
static const char *const colors[] = {"\033[31m", "\033[33m", "", "\033[2m"};

void qn_log_setup(const struct qn_log_options *wanted)
{
    options = *wanted;
}

static size_t json_escape(char *out, size_t room, const char *text)
{
    size_t n = 0;
    for (; *text && n + 7 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            n += (size_t)snprintf(out + n, room - n, "\\%c", c);
        else if (c < 0x20)
            n += (size_t)snprintf(out + n, room - n, "\\u%04x", c);
        else
            out[n++] = (char)c;
    }
    out[n] = '\0';
    return n;
}

void qn_log(enum qn_log_level level, const char *format, ...)
{
    if (level > options.level)
        return;
    char message[2048], line[4608];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    int len;
    if (options.json) {
        char escaped[4096], when[QN_CLOCK_ISO];
        json_escape(escaped, sizeof escaped, message);
        qn_clock_iso(when);
        len = snprintf(line, sizeof line,
                       "{\"time\":\"%s\",\"level\":\"%s\",\"who\":\"%s\",\"message\":\"%s\"}\n",
                       when, names[level], options.who, escaped);
    } else {
        const char *color = options.color ? colors[level] : "";
        len = snprintf(line, sizeof line, "%s%s%s%s: %s%s\n", color, options.who,
                       level == QN_LOG_INFO ? "" : ": ", level == QN_LOG_INFO ? "" : names[level],
                       message, *color ? "\033[0m" : "");
    }
    if (len > 0 && write(STDERR_FILENO, line, strnlen(line, sizeof line)) < 0)
        return; /* nobody to tell */
}
