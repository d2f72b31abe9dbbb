if command -v hsetroot >/dev/null; then
  hsetroot -add '#16202e' -add '#31506e' -gradient 200
elif command -v xsetroot >/dev/null; then
  xsetroot -solid '#22344a'
fi
command -v tint2 >/dev/null && exec tint2 -c /etc/innkeeper/tint2rc
exit 0
