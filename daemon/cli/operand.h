/*
 * operand.h - is a word of the command line what it stands for?
 */
#ifndef CLI_OPERAND_H
#define CLI_OPERAND_H

#include <stdbool.h>

bool operand_seed_ok(const char *s);
bool operand_stamp_ok(const char *s);

#endif
