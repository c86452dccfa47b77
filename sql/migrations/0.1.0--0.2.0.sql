-- 0.1.0 -> 0.2.0: first_name and last_name become full_name; the blog.
SELECT ddd.migrate('0.1.0', $migration$
DO $ddd$
DECLARE
    triggers text[];
    command text;
    migrated bigint;
    blanks text;
    bad_rows bigint;
    bad_list text;
BEGIN
    LOCK TABLE ddd.users IN ACCESS EXCLUSIVE MODE;

    -- Migrating is not an edit: no trigger sees it, and updated_at stays.
    -- users_check comes back with the new version's arguments.
    DROP TRIGGER IF EXISTS users_check ON ddd.users;
    SELECT array_agg(format('ALTER TABLE ddd.users ENABLE%s TRIGGER %I',
                            CASE tgenabled WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END, tgname))
      INTO triggers
      FROM pg_trigger WHERE tgrelid = 'ddd.users'::regclass AND NOT tgisinternal AND tgenabled <> 'D';
    ALTER TABLE ddd.users DISABLE TRIGGER USER;

    -- Look before touching anything. A name of invisible characters is blank.
    SELECT string_agg(chr(code), '') INTO blanks
      FROM (SELECT generate_series(1, 32)
             UNION ALL SELECT 127
             UNION ALL
            SELECT generate_series(first, last)
              FROM (VALUES (128, 160), (173, 173), (847, 847), (1564, 1564), (4447, 4448), (5760, 5760),
                           (6068, 6069), (6155, 6159), (8192, 8207), (8232, 8239), (8287, 8303),
                           (12288, 12288), (12644, 12644), (65024, 65039), (65279, 65279), (65440, 65440)) AS r (first, last)
             WHERE getdatabaseencoding() = 'UTF8') AS c (code);
    SELECT count(*),
           string_agg(format('user %s: %s', id, problem), E'\n' ORDER BY id) FILTER (WHERE nth <= 20)
      INTO bad_rows, bad_list
      FROM (SELECT id,
                   CASE WHEN joined IS NULL THEN 'first_name and last_name are both blank'
                        ELSE format('the joined name has %s characters, at most 255 fit', char_length(joined)) END AS problem,
                   row_number() OVER (ORDER BY id) AS nth
              FROM (SELECT u.id,
                           CASE WHEN btrim(concat(u.first_name, u.last_name), blanks) <> ''
                                THEN concat_ws(' ',
                                         nullif(btrim(u.first_name, E' \t\n\r\f\x0b'), ''),
                                         nullif(btrim(u.last_name, E' \t\n\r\f\x0b'), '')) END AS joined
                      FROM ddd.users u) names
             WHERE joined IS NULL OR char_length(joined) > 255) bad;
    IF bad_rows > 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('cannot build full_name for %s user(s)', bad_rows),
            DETAIL = bad_list || CASE WHEN bad_rows > 20 THEN format(E'\nand %s more', bad_rows - 20) ELSE '' END,
            HINT = 'Give these users a first_name or a last_name, then run ALTER EXTENSION ddd UPDATE again.',
            SCHEMA = 'ddd', TABLE = 'users', COLUMN = 'full_name', CONSTRAINT = 'users_full_name_not_blank';
    END IF;

    -- A name that went down from 0.2.0 comes back as it was, if nobody has
    -- changed its two parts since.
    ALTER TABLE ddd.users ADD COLUMN full_name varchar(255);
    UPDATE ddd.users u
       SET full_name = coalesce(
               (SELECT s.content ->> 'full_name'
                  FROM ddd.stash s
                 WHERE s.version = '0.2.0' AND s.table_name = 'users' AND s.row_key = u.id::text
                   AND s.content -> 'first_name' = coalesce(to_jsonb(u.first_name), 'null')
                   AND s.content -> 'last_name' = coalesce(to_jsonb(u.last_name), 'null')),
               concat_ws(' ',
                   nullif(btrim(u.first_name, E' \t\n\r\f\x0b'), ''),
                   nullif(btrim(u.last_name, E' \t\n\r\f\x0b'), '')));
    GET DIAGNOSTICS migrated = ROW_COUNT;
    IF migrated <> (SELECT count(*) FROM ddd.users) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'a rule on ddd.users keeps rows from being migrated';
    END IF;
    DELETE FROM ddd.stash WHERE version = '0.2.0' AND table_name = 'users';

    -- Two parts that cannot be told from the joined name are set aside.
    INSERT INTO ddd.stash (version, table_name, row_key, content)
    SELECT '0.1.0', 'users', id::text,
           jsonb_build_object('first_name', first_name, 'last_name', last_name, 'full_name', full_name)
      FROM ddd.users
     WHERE first_name IS DISTINCT FROM split_part(full_name, ' ', 1)
        OR last_name IS DISTINCT FROM
           CASE WHEN strpos(full_name, ' ') > 0 THEN substr(full_name, strpos(full_name, ' ') + 1) END;

    ALTER TABLE ddd.users
        ALTER COLUMN full_name SET NOT NULL,
        ADD CONSTRAINT users_full_name_not_blank
            CHECK (btrim(full_name, E' \t\n\r\f\x0b') <> ''),
        DROP COLUMN first_name,
        DROP COLUMN last_name;
    CREATE INDEX ix_user_name_email ON ddd.users (full_name, email);
    CREATE INDEX ix_users_full_name_prefix ON ddd.users (lower(full_name) text_pattern_ops);
    CREATE INDEX ix_users_is_active ON ddd.users (is_active, created_at DESC, id DESC);

    CREATE SEQUENCE ddd.posts_id_seq;
    CREATE TABLE ddd.posts (
        id         bigint       NOT NULL DEFAULT nextval('ddd.posts_id_seq'),
        title      varchar(255) NOT NULL,
        content    text         NOT NULL,
        author_id  bigint       NOT NULL,
        created_at timestamptz  NOT NULL DEFAULT now(),
        updated_at timestamptz  NOT NULL DEFAULT now(),
        CONSTRAINT posts_pkey PRIMARY KEY (id),
        CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id),
        CONSTRAINT posts_title_not_blank
            CHECK (btrim(title, E' \t\n\r\f\x0b') <> ''),
        CONSTRAINT posts_times_finite
            CHECK (isfinite(created_at) AND isfinite(updated_at))
    );
    ALTER SEQUENCE ddd.posts_id_seq OWNED BY ddd.posts.id;
    CREATE INDEX ix_posts_created_at ON ddd.posts (created_at DESC, id DESC);
    CREATE INDEX ix_posts_author_id ON ddd.posts (author_id, created_at DESC, id DESC);
    COMMENT ON TABLE ddd.posts IS 'Posts. created_at never changes.';

    CREATE SEQUENCE ddd.comments_id_seq;
    CREATE TABLE ddd.comments (
        id         bigint      NOT NULL DEFAULT nextval('ddd.comments_id_seq'),
        content    text        NOT NULL,
        post_id    bigint      NOT NULL,
        author_id  bigint      NOT NULL,
        parent_id  bigint,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT comments_pkey PRIMARY KEY (id),
        CONSTRAINT comments_post_id_id_key UNIQUE (post_id, id),
        -- author before post: the order in which deleting a user locks them
        CONSTRAINT comments_author_id_fkey FOREIGN KEY (author_id) REFERENCES ddd.users (id),
        CONSTRAINT comments_post_id_fkey FOREIGN KEY (post_id) REFERENCES ddd.posts (id) ON DELETE CASCADE,
        -- a reply is on its parent's post; it stays when the parent is deleted
        CONSTRAINT comments_parent_id_fkey FOREIGN KEY (post_id, parent_id)
            REFERENCES ddd.comments (post_id, id) ON DELETE SET NULL (parent_id),
        CONSTRAINT comments_content_not_blank
            CHECK (btrim(content, E' \t\n\r\f\x0b') <> ''),
        CONSTRAINT comments_times_finite
            CHECK (isfinite(created_at) AND isfinite(updated_at))
    );
    ALTER SEQUENCE ddd.comments_id_seq OWNED BY ddd.comments.id;
    CREATE INDEX ix_comments_post_id ON ddd.comments (post_id, created_at, id);
    CREATE INDEX ix_comments_author_id ON ddd.comments (author_id, created_at DESC, id DESC);
    CREATE INDEX ix_comments_parent_id ON ddd.comments (post_id, parent_id) WHERE parent_id IS NOT NULL;
    COMMENT ON TABLE ddd.comments IS 'Comments on posts. A reply names its parent, a comment on the same post.';

    CREATE SEQUENCE ddd.tags_id_seq;
    CREATE TABLE ddd.tags (
        id         bigint       NOT NULL DEFAULT nextval('ddd.tags_id_seq'),
        name       varchar(100) NOT NULL,
        created_at timestamptz  NOT NULL DEFAULT now(),
        updated_at timestamptz  NOT NULL DEFAULT now(),
        CONSTRAINT tags_pkey PRIMARY KEY (id),
        CONSTRAINT tags_name_valid
            CHECK (name <> '' AND name COLLATE "C" !~ E'^\\x20|\\x20$|[\\x01-\\x1f\\x7f]'),
        CONSTRAINT tags_times_finite
            CHECK (isfinite(created_at) AND isfinite(updated_at))
    );
    ALTER SEQUENCE ddd.tags_id_seq OWNED BY ddd.tags.id;
    CREATE UNIQUE INDEX ix_tags_name ON ddd.tags (lower(name COLLATE "C"));
    COMMENT ON TABLE ddd.tags IS 'Tags. Names are unique without regard to the case of ASCII letters.';

    CREATE TABLE ddd.post_tags (
        post_id         bigint      NOT NULL,
        tag_id          bigint      NOT NULL,
        post_created_at timestamptz NOT NULL,
        CONSTRAINT post_tags_pkey PRIMARY KEY (post_id, tag_id),
        CONSTRAINT post_tags_post_id_fkey FOREIGN KEY (post_id) REFERENCES ddd.posts (id) ON DELETE CASCADE,
        CONSTRAINT post_tags_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES ddd.tags (id)
    );
    CREATE INDEX ix_post_tags_tag_id ON ddd.post_tags (tag_id, post_created_at DESC, post_id DESC);
    COMMENT ON TABLE ddd.post_tags IS 'Which post has which tag.';
    COMMENT ON COLUMN ddd.post_tags.post_created_at IS 'The post''s created_at, filled by a trigger: a tag''s posts come newest first straight from the index.';

    FOREACH command IN ARRAY coalesce(triggers, '{}') LOOP
        EXECUTE command;
    END LOOP;
END
$ddd$;
$migration$);

