/*
 * throttle.h
 *		Failed log-ins and how long the next ones take. Private to users.
 */
#ifndef DDD_USERS_THROTTLE_H
#define DDD_USERS_THROTTLE_H

#include "portability/instr_time.h"

#include "core/core.h"

/* What an account is named by: the kinds are counted apart. */
typedef enum AttemptBy
{
	ATTEMPT_BY_ADDRESS = 'a',
	ATTEMPT_BY_ID = 'i'
} AttemptBy;

/* One attempt to log in. */
typedef struct Attempt
{
	instr_time	began;			/* by a clock that nobody sets */
	uint64		account;		/* keys of what is counted; 0 for nothing */
	uint64		source;
	int			delay_ms;		/* besides ddd.auth_min_duration */
} Attempt;

/* Defines the settings; where the library is preloaded, asks for shared memory. */
extern void throttle_init(void);

/*
 * Begins an attempt and counts it as failed, so that one which is cancelled
 * counts as well. source may be NULL: then only the account is counted.
 */
extern void attempt_begin(Attempt *attempt, AttemptBy by, const text *account, const text *source);

/* Begins something else that is to take as long, and counts nothing. */
extern void attempt_begin_uncounted(Attempt *attempt);

/* Takes the attempt back from what is counted, and with it the failures of its account. */
extern void attempt_succeeded(Attempt *attempt);

/* Waits until the attempt has taken its time. Raises 57014 when cancelled. */
extern void attempt_wait(const Attempt *attempt);

#endif							/* DDD_USERS_THROTTLE_H */
