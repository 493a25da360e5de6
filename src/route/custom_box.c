/* SPDX-License-Identifier: Apache-2.0 */
/* custom_box: an interpreter with ceilings, and as much of the library as can do no harm. */
#include "route/custom_in.h"

#include <assert.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/rand.h"

enum {
	HELD_MAX = 1 << 20,
	BLOCK_MAX = 64 << 10,            /* so that no single instruction takes long: each is linear in what it reads */
	ASKED_MAX = 16 << 20,
	HOOK_EVERY = 100,                /* instructions */
	NS_PER_INSTRUCTION = 200,        /* of the slowest kind that is granted to all of them */
	SORT_SHARE = 64,                 /* steps of table.sort, of a pattern, that count as an instruction */
	PATTERN_SHARE = 4,
};

/* Where things stand in the registry: by address. */
static const char at_chunk, at_globals;

struct box *box_of(lua_State *L)
{
	return *(struct box **)lua_getextraspace(L);
}

/* ---- ceilings ---- */

static void *box_alloc(void *arg, void *p, size_t old, size_t size)
{
	struct box *b = arg;
	void *made;

	if (!p)
		old = 0; /* it is a kind of object then */
	if (size == 0) {
		b->held_bytes -= old;
		free(p);
		return NULL;
	}
	if (size > old) {
		size_t more = size - old;

		if (size > BLOCK_MAX || b->held_bytes + more > HELD_MAX || b->asked_bytes + size > ASKED_MAX)
			return NULL;
		b->asked_bytes += size;
	}
	made = mem_realloc(p, size);
	b->held_bytes += size - old;
	return made;
}

static void charge(lua_State *L, uint64_t instructions)
{
	struct box *b = box_of(L);

	b->used += (int64_t)(instructions < INT32_MAX ? instructions : INT32_MAX);
	if (b->used > b->max)
		luaL_error(L, "it takes more than %I instructions (routing.script.max_instructions)",
		           (LUAI_UACINT)b->max);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
	struct box *b = box_of(L);
	uint64_t now = cpu_ns();

	(void)ar;
	charge(L, HOOK_EVERY);
	if (!b->cpu_end_ns)
		b->cpu_end_ns = now + (uint64_t)b->max * NS_PER_INSTRUCTION;
	else if (now > b->cpu_end_ns)
		luaL_error(L, "it takes too much time");
}

/* ---- the library ---- */

/* How often each of its parts may be tried: a bound on what the matcher does, which cannot be interrupted. */
static uint64_t pattern_steps(struct str s, struct str p)
{
	uint64_t most = (uint64_t)1 << 40, length = s.n + 1, steps = p.n && p.p[0] == '^' ? 1 : length;

	for (size_t i = 0; i < p.n && steps < most; i++)
		switch (p.p[i]) {
		case '%':
			steps *= i + 1 < p.n && p.p[i + 1] == 'b' ? length : 1;
			i++;
			break;
		case '[':
			i += i + 1 < p.n && p.p[i + 1] == '^';
			i += i + 1 < p.n && p.p[i + 1] == '%'; /* the first one is never the end */
			for (i += 2; i < p.n && p.p[i] != ']'; i++)
				i += p.p[i] == '%';
			break;
		case '*':
		case '+':
		case '-':
			steps *= length;
			break;
		case '?':
			steps *= 2;
			break;
		}
	return steps * (1 + p.n / 16);
}

/* find, match, gmatch, gsub: the function itself is the upvalue. */
static int with_pattern(lua_State *L)
{
	struct str s, p;

	s.p = luaL_checklstring(L, 1, &s.n);
	p.p = luaL_checklstring(L, 2, &p.n);
	charge(L, pattern_steps(s, p) / PATTERN_SHARE);
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Quadratic at its worst, and the order may be such that it is. */
static int with_sort(lua_State *L)
{
	uint64_t n;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = lua_rawlen(L, 1);
	charge(L, n * n / SORT_SHARE);
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* string.rep: nothing, however often, is nothing; the library would count to there. */
static int with_rep(lua_State *L)
{
	struct str s, between;

	s.p = luaL_checklstring(L, 1, &s.n);
	between.p = luaL_optlstring(L, 3, "", &between.n);
	(void)luaL_checkinteger(L, 2);
	if (s.n + between.n == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* table.insert, table.remove: they move what lies behind, and a list with holes may seem to be of any length. */
static int with_list(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	charge(L, lua_rawlen(L, 1) / SORT_SHARE);
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* math.random, by the program's own generator, which can be replayed. */
static int random_number(lua_State *L)
{
	lua_Integer low = 1, high;

	if (lua_gettop(L) == 0) {
		lua_pushnumber(L, rand_unit());
		return 1;
	}
	high = luaL_checkinteger(L, 1);
	if (lua_gettop(L) > 1) {
		low = high;
		high = luaL_checkinteger(L, 2);
	}
	luaL_argcheck(L, low <= high, 1, "interval is empty");
	luaL_argcheck(L, (lua_Unsigned)high - (lua_Unsigned)low < INT64_MAX, 1, "interval is too large");
	lua_pushinteger(L, (lua_Integer)((lua_Unsigned)low +
	                                 rand_below((lua_Unsigned)high - (lua_Unsigned)low + 1)));
	return 1;
}

static int refuse_write(lua_State *L)
{
	return luaL_error(L, "the library cannot be written to");
}

/* What a script sees. Not among them: what reads, loads or runs anything (io, os, package, debug, load, dofile,
 * require, string.dump), what catches the end of the run (pcall, xpcall, coroutine), what has hands on the library or
 * on collected objects (setmetatable, getmetatable, rawset, collectgarbage), and what nobody needs here. */
static const struct library {
	const char *name;                /* NULL: plain functions */
	lua_CFunction open;
	const char *const functions[26];
	struct { const char *name; lua_CFunction wrap; } costly[5];
} libraries[] = {
	{ NULL, luaopen_base,
	  { "assert", "error", "ipairs", "next", "pairs", "rawequal", "rawget", "rawlen", "select", "tonumber",
	    "tostring", "type", "_VERSION" },
	  { { NULL, NULL } } },
	{ "string", luaopen_string, { "byte", "char", "format", "len", "lower", "reverse", "sub", "upper" },
	  { { "find", with_pattern }, { "gmatch", with_pattern }, { "gsub", with_pattern }, { "match", with_pattern },
	    { "rep", with_rep } } },
	{ "table", luaopen_table, { "concat", "pack", "unpack" },
	  { { "sort", with_sort }, { "insert", with_list }, { "remove", with_list } } },
	{ "math", luaopen_math,
	  { "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
	    "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type", "ult" },
	  { { NULL, NULL } } },
};

/* The chosen functions of the library on top of the stack, in the table below it. */
static void choose(lua_State *L, const struct library *l)
{
	for (size_t i = 0; i < COUNT_OF(l->functions) && l->functions[i]; i++) {
		lua_getfield(L, -1, l->functions[i]);
		lua_setfield(L, -3, l->functions[i]);
	}
	for (size_t i = 0; i < COUNT_OF(l->costly) && l->costly[i].name; i++) {
		lua_getfield(L, -1, l->costly[i].name);
		lua_pushcclosure(L, l->costly[i].wrap, 1);
		lua_setfield(L, -3, l->costly[i].name);
	}
}

/* In place of the table on top: an empty one through which it can be read, and not written to. */
static void protect(lua_State *L)
{
	lua_newtable(L);
	lua_newtable(L);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_write);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
	lua_remove(L, -2);
}

static void open_library(lua_State *L, const struct library *l)
{
	if (l->name)
		lua_newtable(L);
	luaL_requiref(L, l->name ? l->name : "_G", l->open, 0);
	if (!l->name) {
		choose(L, l);
		lua_pop(L, 1);
		return;
	}
	choose(L, l);
	lua_pop(L, 1);
	if (l->open == luaopen_math) {
		lua_pushcfunction(L, random_number);
		lua_setfield(L, -2, "random");
	}
	if (l->open == luaopen_string) { /* ("x"):find(…) finds the same ones */
		lua_pushliteral(L, "");
		lua_getmetatable(L, -1);
		lua_pushvalue(L, -3);
		lua_setfield(L, -2, "__index");
		lua_pop(L, 2);
	}
	protect(L);
	lua_setfield(L, -2, l->name);
}

struct source { struct str text; const char *chunk; };

/* Leaves the metatable of all globals, and the chunk, in the registry. */
static int set_up(lua_State *L)
{
	const struct source *s = box_of(L)->call;

	lua_newtable(L);
	lua_newtable(L);
	for (size_t i = 0; i < COUNT_OF(libraries); i++)
		open_library(L, &libraries[i]);
	lua_setfield(L, -2, "__index");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &at_globals);
	if (luaL_loadbufferx(L, s->text.p, s->text.n, s->chunk, "t") != LUA_OK)
		return lua_error(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &at_chunk);
	return 0;
}

void box_begin(lua_State *L, const char *name)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &at_chunk);
	lua_newtable(L);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &at_globals);
	lua_setmetatable(L, -2);
	lua_pushvalue(L, -1);
	lua_setupvalue(L, -3, 1); /* its globals */
	lua_insert(L, -2);
	lua_call(L, 0, 0);
	lua_pushstring(L, name);
	if (lua_rawget(L, -2) != LUA_TFUNCTION)
		luaL_error(L, "it makes no function %s", name);
	lua_remove(L, -2);
}

bool box_run(struct box *b, lua_CFunction fn, void *call, struct err *e)
{
	lua_State *L = b->L;
	int got;

	b->used = 0;
	b->asked_bytes = 0;
	b->cpu_end_ns = 0;
	b->call = call;
	lua_settop(L, 0);
	lua_pushcfunction(L, fn);
	got = lua_pcall(L, 0, 0, 0);
	b->call = NULL;
	if (got == LUA_OK)
		return true;
	/* only a text is read as it is: to make one of something else could raise again */
	if (got == LUA_ERRMEM)
		err_set(e, ERR_CONFIG, "it takes too much memory");
	else
		err_set(e, ERR_CONFIG, "%s",
		        lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error that is no text");
	lua_settop(L, 0);
	return false;
}

struct box *box_new(struct str text, const char *chunk, int64_t max_instructions, struct err *e)
{
	struct box *b = mem_zalloc(sizeof *b);
	struct source source = { text, chunk };

	b->max = max_instructions;
	b->L = lua_newstate(box_alloc, b);
	assert(b->L); /* far below the ceiling */
	*(struct box **)lua_getextraspace(b->L) = b;
	if (!box_run(b, set_up, &source, e)) {
		box_free(b);
		return NULL;
	}
	lua_sethook(b->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
	return b;
}

void box_free(struct box *b)
{
	if (!b)
		return;
	b->asked_bytes = 0;
	lua_close(b->L);
	free(b);
}
