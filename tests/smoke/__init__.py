"""What `make smoke` asks of a stack that stands: over HTTP alone, and for as little money as it can."""

URL, KEY, MODEL, VIDEO = "SMOKE_URL", "SMOKE_KEY", "SMOKE_MODEL", "SMOKE_VIDEO"
"""The variables that say where, with what, with which model, and whether a video is paid for too."""

MAX_TOKENS = 16

COST = f"""\
This asks {{url}} about twenty times. One of these is paid: a chat completion of {{model}} with
{MAX_TOKENS} tokens at most (MODEL=... for another). Its record is deleted again. The rest costs nothing at v98store,
and less than a cent at AWS."""

VIDEO_COST = "VIDEO=1: a video of sora-2 is paid as well, and deleted again. It takes minutes."
