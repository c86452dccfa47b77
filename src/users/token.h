/*
 * token.h
 *		Tokens: made, looked up by their digest, withdrawn. Private to users.
 */
#ifndef DDD_USERS_TOKEN_H
#define DDD_USERS_TOKEN_H

#include <sodium.h>

#include "core/core.h"

/* "ddd_" and 32 bytes in unpadded base64url. */
#define TOKEN_PREFIX	"ddd_"
#define TOKEN_BYTES		32
#define TOKEN_LENGTH	(4 + 43)

/*
 * What a token of a purpose ($2 or a column) is bound to, of a user u: see
 * ddd.tokens.bound_to. An expression for the statements of this context.
 */
#define TOKEN_BOUND_TO(purpose) \
	"sha256(convert_to(CASE " purpose \
	" WHEN 'access' THEN u.hashed_password" \
	" WHEN 'reset_password' THEN u.hashed_password || ' ' || u.email" \
	" ELSE u.email END, getdatabaseencoding()))"

/* Of a token t and its user u: whether it counts now. */
#define TOKEN_COUNTS \
	"t.expires_at > clock_timestamp() AND u.is_active AND t.bound_to = " TOKEN_BOUND_TO("t.purpose")

/* Makes a token: its text, palloc'd, and its digest, a bytea. */
extern char *token_make(Datum *digest);

/* Fills in the digest of a token's text; false if it is no token. */
extern bool token_digest(const text *token, Datum *digest);

/* Raises the one error for a token that does not count, whatever the reason. */
extern void token_invalid(void) pg_attribute_noreturn();

/* Returns ttl of an argument: 22023 unless it is more than 0 and at most 10 years. */
extern Datum arg_ttl(FunctionCallInfo fcinfo, int argno, const char *name);

/* Defines the settings of messages. */
extern void messages_init(void);

#endif							/* DDD_USERS_TOKEN_H */
