/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any text as the product's configuration; each problem has a message, none shows a variable's value. */
#include <assert.h>

#include "conf/env.h"
#include "main/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char hidden[] = "hunter2-hunter2";

static bool fuzz_variable(const struct conf_env *env, struct str name, struct str *value)
{
	*value = str_eq(name, STR("V")) ? str_from_z(hidden) : STR("");
	return name.n == 1;
}

static bool fuzz_file(const struct conf_env *env, struct arena *a, struct str path, size_t max, struct str *out,
                      struct err *err)
{
	if (path.n < 3)
		return err_set(err, ERR_SYSTEM, "cannot be opened");
	*out = str_from_z(hidden);
	return true;
}

static void on_unsupported(void *arg, enum setting_support support, const char *message)
{
	assert(support != SETTING_ACTS && strncmp(message, "fuzz:", 5) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_env env = { fuzz_variable, fuzz_file };
	struct conf_problems problems;
	struct config *conf = config_read("fuzz", str_of((const char *)data, size), &env, &problems);
	assert((conf != NULL) == (problems.n == 0) && problems.n <= CONF_PROBLEMS_MAX);
	for (size_t i = 0; i < problems.n; i++) {
		const char *text = problems.items[i].text;
		assert(strncmp(text, "fuzz:", 5) == 0 && problems.items[i].code == ERR_CONFIG);
		/* Only what the input itself says may be shown. */
		assert(!strstr(text, hidden) || memmem(data, size, hidden, sizeof(hidden) - 1));
	}
	if (conf)
		config_unsupported(conf, on_unsupported, NULL);
	config_free(conf);
	return 0;
}
