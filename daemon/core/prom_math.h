/*
 * prom_math.h - functions of numbers, as IEEE 754 and Go's math have them: see
 * prom_math.c.  What the compiler does by itself (sqrt, fabs) is taken from <math.h>.
 */
#ifndef CORE_PROM_MATH_H
#define CORE_PROM_MATH_H

#include "../../gossip/base.h"

double prom_trunc(double v);
double prom_floor(double v);
double prom_ceil(double v);
double prom_mod(double a, double b);
double prom_exp(double v);
double prom_log(double v);
double prom_log2(double v);
double prom_log10(double v);
double prom_pow(double x, double y);

#endif
