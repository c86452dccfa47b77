"""Settings, read from the environment once."""
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    database_url: str
    pool_size: int


settings = Settings(
    database_url=os.getenv("DATABASE_URL", "postgresql+psycopg2:///ddd"),
    pool_size=int(os.getenv("DATABASE_POOL_SIZE", "20")),
)
