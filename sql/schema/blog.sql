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
CREATE INDEX ix_comments_created_at ON ddd.comments (created_at, post_id);
CREATE INDEX ix_comments_parent_id ON ddd.comments (post_id, parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE ddd.comments IS 'Comments on posts. A reply names its parent, a comment on the same post.';

CREATE SEQUENCE ddd.tags_id_seq;
CREATE TABLE ddd.tags (
    id         bigint       NOT NULL DEFAULT nextval('ddd.tags_id_seq'),
    name       varchar(100) NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    key        text         COLLATE "C" NOT NULL,
    synonym_of bigint,
    CONSTRAINT tags_pkey PRIMARY KEY (id),
    CONSTRAINT tags_synonym_of_fkey FOREIGN KEY (synonym_of) REFERENCES ddd.tags (id) ON DELETE CASCADE,
    CONSTRAINT tags_name_valid
        CHECK (name <> '' AND name COLLATE "C" !~ E'^\\x20|\\x20$|[\\x01-\\x1f\\x7f]'),
    CONSTRAINT tags_times_finite
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT tags_synonym_of_other
        CHECK (synonym_of <> id)
);
ALTER SEQUENCE ddd.tags_id_seq OWNED BY ddd.tags.id;
CREATE UNIQUE INDEX ix_tags_name ON ddd.tags (key);
CREATE INDEX ix_tags_synonym_of ON ddd.tags (synonym_of) WHERE synonym_of IS NOT NULL;
COMMENT ON TABLE ddd.tags IS 'Tags and their synonyms. Names are unique by their key.';
COMMENT ON COLUMN ddd.tags.key IS 'What all spellings of the name have in common, filled by a trigger: ddd.tag_key(name).';
COMMENT ON COLUMN ddd.tags.synonym_of IS 'The tag that is meant by this name, which has no posts of its own.';

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

