/etc/innkeeper/background
command -v tint2 >/dev/null && exec tint2 -c /etc/innkeeper/tint2rc
exit 0
