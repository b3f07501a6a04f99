#include "report/ticks.h"

#include <math.h>

/* The least of 1, 2, 5 times a power of ten that is no less; *power is of ten. */
static double round_up(double value, int *power)
{
    static const double steps[] = {1, 2, 5, 10};
    *power = (int)floor(log10(value));
    double unit = pow(10, *power);
    for (int i = 0; i < 4; i++)
        if (steps[i] * unit >= value * (1 - 1e-9)) {
            *power += i == 3;
            return steps[i] * unit;
        }
    *power += 1;
    return 10 * unit;
}

struct qn_ticks qn_ticks_choose(double low, double high, uint32_t most)
{
    int power;
    double span = high - low;
    if (!isfinite(span) || !(span > 0) || span < 1e-300)
        return (struct qn_ticks){.first = low, .step = 1, .n = 1};
    double step = round_up(span / most, &power);
    for (;;) {
        double first = ceil(low / step - 1e-9), last = floor(high / step + 1e-9);
        if (last - first + 1 <= most)
            return (struct qn_ticks){.first = first * step,
                                     .step = step,
                                     .n = last < first ? 0 : (uint32_t)(last - first + 1),
                                     .decimals = power < 0 ? -power : 0};
        step = round_up(step * 1.5, &power);
    }
}

double qn_ticks_at(const struct qn_ticks *ticks, uint32_t i)
{
    double mark = (round(ticks->first / ticks->step) + i) * ticks->step;
    return mark == 0 || ticks->n == 1 ? ticks->first + i * ticks->step : mark;
}

double qn_ticks_ceiling(double value)
{
    int power;
    if (!(value > 0) || !isfinite(value))
        return 1;
    double step = round_up(value / 4, &power);
    return ceil(value / step - 1e-9) * step;
}
