"""Fixtures: `pytest tests/lsp --stackref PROGRAM`."""

import contextlib
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "proof"))

from session import EDITORS, PROJECT, new_session, write


def pytest_addoption(parser):
    parser.addoption("--stackref", type=pathlib.Path, required=True, help="the program to test")
    parser.addoption("--yaml-server", type=pathlib.Path, help="the file `bin/yaml-language-server` of the package yaml-language-server")
    parser.addoption("--node", default="node", help="the program that runs it")


@pytest.fixture
def program(request):
    return str(request.config.getoption("--stackref").resolve())


@pytest.fixture
def folder(tmp_path):
    """The folder of a project."""
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    return folder


@pytest.fixture
async def begin(program, folder):
    """Begins sessions, and ends them after the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(files=PROJECT, editor="neovim-0.7", env=None, folders=None, options=None, choices=(), settings=None):
            write(folder, files)
            session = new_session(folder)
            session.choices = list(choices)
            if settings is not None:
                session.client.set_configuration(settings, section="stackref")
            await session.start(program, env or {})
            stack.push_async_callback(end, session)
            session.result = await session.initialize(EDITORS[editor](), folders, options)
            return session

        yield begin


async def end(session):
    """Ends a session that the test did not end, and its process in any case."""
    process = session.process
    try:
        if process.returncode is None:
            assert await session.end() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await session.client.stop()


@pytest.fixture(params=list(EDITORS))
def editor(request):
    return request.param
