"""Ends whatever is left when the supervisor itself was killed.

The kernel signals a child whose parent died, but not what that child had started in turn, such as a pool of solver
processes. So a shell waits at the end of a pipe. When the pipe closes it signals every session it was told of.
"""

import asyncio
import signal

SCRIPT = """
sessions=
while read -r verb signal id; do
  case $verb in
    watch) sessions="$sessions $signal:$id" ;;
    forget)
      kept=
      for each in $sessions; do [ "$each" = "$signal:$id" ] || kept="$kept $each"; done
      sessions=$kept ;;
  esac
done
for each in $sessions; do kill -s "${each%%:*}" -- "-${each#*:}" 2>/dev/null; done
"""


class Guard:
    """One shell beside the supervisor, holding the sessions that must not outlive it."""

    def __init__(self) -> None:
        self._shell: asyncio.subprocess.Process | None = None

    async def watch(self, session: int, number: signal.Signals) -> None:
        """From now on `session` gets that signal when we are gone."""
        if self._shell is None:
            self._shell = await asyncio.create_subprocess_exec(
                "sh",
                "-c",
                SCRIPT,
                stdin=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        self._tell("watch", session, number)

    def forget(self, session: int, number: signal.Signals) -> None:
        """It has ended: its number may soon be another's."""
        self._tell("forget", session, number)

    async def close(self) -> None:
        """End the shell; it signals what it was not told to forget."""
        if self._shell is not None:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            await self._shell.wait()
            self._shell = None

    def _tell(self, verb: str, session: int, number: signal.Signals) -> None:
        assert self._shell is not None
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{verb} {number.name.removeprefix('SIG')} {session}\n".encode())
