"""The application: uvicorn main:app."""
from fastapi import FastAPI

from src.apps.blog.routes import router as blog
from src.apps.bookmarks.routes import router as bookmarks
from src.apps.users.routes import router as users
from src.core.errors import add_error_handlers

app = FastAPI(title="A blog on ddd")
add_error_handlers(app)
app.include_router(users)
app.include_router(blog)
app.include_router(bookmarks)
