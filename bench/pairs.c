/*
 * pairs.c
 *		Times several statements against each other, in turns.
 *
 *	pairs CONNINFO ROUNDS AT_LEAST SLICE_MS BUDGET_S <job
 *	pairs --awake
 *
 * The job is lines of tab-separated fields:
 *
 *	side NAME DBNAME SQL	a statement, prepared once
 *	undo NAME DBNAME SQL	the same, each slice in a transaction that is rolled back
 *	hash NAME KIB PASSES	no statement: libsodium's Argon2id in this process
 *	with VALUE...			parameters of one call of the side above; calls take them in turn
 *	after SQL				a statement to run before each slice of the side above; not timed
 *
 * After a slice of each side that does not count, every round runs one slice
 * of each, there and back: A B C C B A ... What ran before has the CPU's caches,
 * and in an order that is always the same it would always be the same one's
 * luck. A slice is as many whole turns through a side's
 * parameters as fill SLICE_MS. Rounds end early, but not before AT_LEAST, when
 * BUDGET_S is used up. Output, one line per slice: NAME, milliseconds per call,
 * milliseconds of the backend's CPU per call, calls.
 *
 * One connection per database, text results, the extended protocol with a
 * prepared statement: what pgbench -M prepared does, without a new connection
 * per slice. --awake keeps every CPU from dozing, with threads that run only
 * when nobody else wants to, until standard input ends.
 */
#define _GNU_SOURCE
#include <libpq-fe.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_SIDES 64
#define MAX_CALLS 1024
#define MAX_VALUES 16
#define WARM_CALLS 7			/* PostgreSQL settles on a plan after five */
#define WARM_SECONDS 1.0
#define MAX_AWAKE_SECONDS 0.1

typedef struct Database
{
	const char *name;
	PGconn	   *conn;
	int			backend;
} Database;

typedef struct Side
{
	const char *name;
	Database   *database;		/* none for a hash */
	int			undo;
	const char *after;			/* statement that comes before a slice, or NULL */
	char		statement[16];
	unsigned long long kib;
	unsigned long long passes;
	int			ncalls;
	int			nvalues[MAX_CALLS];
	const char *values[MAX_CALLS][MAX_VALUES];
} Side;

static Side sides[MAX_SIDES];
static int	nsides;
static Database databases[MAX_SIDES];
static int	ndatabases;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "pairs: %s: %s\n", what, why);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Tells whether a process waits for something, a backend for its next message. */
static int
is_asleep(int pid)
{
	char		path[64];
	char		text[512];
	char	   *name_end;
	FILE	   *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file == NULL || fgets(text, sizeof(text), file) == NULL || (name_end = strrchr(text, ')')) == NULL)
		die(path, "could not read the backend's state");
	fclose(file);
	return strncmp(name_end, ") S", 3) == 0;
}

/* Returns the seconds of CPU that a process has used, of this one's if it is 0. */
static double
cpu_of(int pid)
{
	char		path[64];
	unsigned long long ns = 0;
	FILE	   *file;

	if (pid == 0)
	{
		struct timespec t;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		return t.tv_sec + t.tv_nsec / 1e9;
	}
	/* Linux counts when a process goes to sleep; after its answer a backend has something left to do */
	for (double end = now() + MAX_AWAKE_SECONDS; !is_asleep(pid) && now() < end;)
		continue;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%llu", &ns) != 1)
		die(path, "could not read the backend's CPU time");
	fclose(file);
	return ns / 1e9;
}

static void
check(PGconn *conn, PGresult *result, const char *what)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(what, PQerrorMessage(conn));
	PQclear(result);
}

static Database *
open_database(const char *conninfo, const char *name)
{
	Database   *database;
	char		text[1024];

	for (int i = 0; i < ndatabases; i++)
		if (strcmp(databases[i].name, name) == 0)
			return &databases[i];
	database = &databases[ndatabases++];
	database->name = name;
	snprintf(text, sizeof(text), "%s dbname=%s", conninfo, name);
	database->conn = PQconnectdb(text);
	if (PQstatus(database->conn) != CONNECTION_OK)
		die(name, PQerrorMessage(database->conn));
	database->backend = PQbackendPID(database->conn);
	return database;
}

static void
read_job(const char *conninfo)
{
	char	   *line = NULL;
	size_t		size = 0;
	ssize_t		length;

	while ((length = getline(&line, &size, stdin)) > 0)
	{
		char	   *rest = strndup(line, length - (line[length - 1] == '\n'));
		char	   *kind = strsep(&rest, "\t");

		if (strcmp(kind, "with") == 0)
		{
			Side	   *side = &sides[nsides - 1];
			int			call = side->ncalls++;

			if (nsides == 0 || call >= MAX_CALLS)
				die("job", "parameters without a side, or too many");
			while (rest != NULL && side->nvalues[call] < MAX_VALUES)
				side->values[call][side->nvalues[call]++] = strsep(&rest, "\t");
		}
		else if (strcmp(kind, "after") == 0)
		{
			if (nsides == 0 || sides[nsides - 1].database == NULL)
				die("job", "nothing that could come after a statement");
			sides[nsides - 1].after = rest;
		}
		else
		{
			Side	   *side = &sides[nsides++];
			const char *second;

			if (nsides > MAX_SIDES)
				die("job", "too many sides");
			side->name = strsep(&rest, "\t");
			second = strsep(&rest, "\t");
			if (rest == NULL)
				die("job", "a side has three fields");
			if (strcmp(kind, "hash") == 0)
			{
				side->kib = strtoull(second, NULL, 10);
				side->passes = strtoull(rest, NULL, 10);
				continue;
			}
			side->undo = strcmp(kind, "undo") == 0;
			side->database = open_database(conninfo, second);
			snprintf(side->statement, sizeof(side->statement), "s%d", nsides);
			check(side->database->conn,
				  PQprepare(side->database->conn, side->statement, rest, 0, NULL), rest);
		}
	}
	free(line);
	for (int i = 0; i < nsides; i++)
		if (sides[i].ncalls == 0)
			sides[i].ncalls = 1;
}

/* Runs a side for at least so long and so often, in whole turns; returns the calls. */
static long
run(Side *side, double seconds, long calls)
{
	double		end = now() + seconds;
	long		done = 0;

	do
	{
		for (int i = 0; i < side->ncalls; i++, done++)
		{
			if (side->database != NULL)
				check(side->database->conn,
					  PQexecPrepared(side->database->conn, side->statement, side->nvalues[i],
									 side->values[i], NULL, NULL, 0), side->name);
			else
			{
				char		hash[crypto_pwhash_STRBYTES];

				if (crypto_pwhash_str(hash, "correct horse", 13, side->passes, side->kib * 1024) != 0)
					die(side->name, "out of memory");
			}
		}
	} while (now() < end || (done < calls && now() < end + WARM_SECONDS));
	return done;
}

static void
slice(Side *side, double seconds, int counts)
{
	PGconn	   *conn = side->undo ? side->database->conn : NULL;
	int			pid = side->database != NULL ? side->database->backend : 0;
	double		wall;
	double		cpu;
	long		calls;

	if (conn != NULL)
		check(conn, PQexec(conn, "BEGIN"), "BEGIN");
	if (side->after != NULL)
		check(side->database->conn, PQexec(side->database->conn, side->after), side->after);
	cpu = cpu_of(pid);
	wall = now();
	calls = run(side, seconds, counts ? 1 : WARM_CALLS);
	wall = now() - wall;
	cpu = cpu_of(pid) - cpu;
	if (conn != NULL)
		check(conn, PQexec(conn, "ROLLBACK"), "ROLLBACK");
	if (counts)
		printf("%s\t%.6f\t%.6f\t%ld\n", side->name, wall * 1000 / calls, cpu * 1000 / calls, calls);
}

static void *
spin(void *cpu)
{
	cpu_set_t	set;
	struct sched_param none = {0};

	CPU_ZERO(&set);
	CPU_SET((long) cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	/* accounted as "nice", and run only where the CPU would be idle */
	if (setpriority(PRIO_PROCESS, gettid(), 19) != 0 || sched_setscheduler(0, SCHED_IDLE, &none) != 0)
		die("--awake", "could not lower the priority");
	for (;;)
		__asm__ volatile("" ::: "memory");
	return NULL;
}

static int
keep_awake(void)
{
	char		byte;

	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++)
	{
		pthread_t	thread;

		if (pthread_create(&thread, NULL, spin, (void *) cpu) != 0)
			die("--awake", "could not start a thread");
	}
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

int
main(int argc, char **argv)
{
	double		began;
	double		seconds;

	if (argc == 2 && strcmp(argv[1], "--awake") == 0)
		return keep_awake();
	if (argc != 6)
		die("usage", "pairs CONNINFO ROUNDS AT_LEAST SLICE_MS BUDGET_S <job");
	if (sodium_init() < 0)
		die("libsodium", "could not start");
	read_job(argv[1]);
	seconds = atof(argv[4]) / 1000;
	for (int i = 0; i < nsides; i++)
		slice(&sides[i], seconds, 0);
	began = now();
	for (int round = 0; round < atoi(argv[2]); round++)
	{
		if (round >= atoi(argv[3]) && now() - began > atof(argv[5]))
			break;
		for (int i = 0; i < nsides; i++)
			slice(&sides[round % 2 == 0 ? i : nsides - 1 - i], seconds, 1);
	}
	for (int i = 0; i < ndatabases; i++)
		PQfinish(databases[i].conn);
	return 0;
}
