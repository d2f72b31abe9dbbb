#!/bin/sh
if command -v hsetroot >/dev/null; then
  exec hsetroot -add '#16202e' -add '#31506e' -gradient 200 >/dev/null
elif command -v xsetroot >/dev/null; then
  exec xsetroot -solid '#22344a'
fi
