"""A child that sends every frame back: what the pipe and asyncio cost without any script."""

from __future__ import annotations

from engine.child_process import claim_pipes, read_frame, write_frame


def main() -> None:
    """Serves until the parent closes the pipe."""
    frames_in, frames_out = claim_pipes()
    while (frame := read_frame(frames_in)) is not None:
        write_frame(frames_out, frame)


if __name__ == "__main__":
    main()
