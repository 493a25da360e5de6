/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: what main.c's table of commands runs. argv[0] is the command's own name; the answer is the exit code.
 * Results go to stdout, messages to stderr.
 */
#ifndef SLUICE_MAIN_COMMANDS_H
#define SLUICE_MAIN_COMMANDS_H

enum { EXIT_GOOD = 0, EXIT_WRONG = 1, EXIT_USAGE = 2 };

int command_serve(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_check(int argc, char **argv);
int command_manual(int argc, char **argv);
int command_key(int argc, char **argv);
int command_spend(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_models(int argc, char **argv);
int command_providers(int argc, char **argv);
int command_tokens(int argc, char **argv);
int command_route_test(int argc, char **argv);

#endif
