<?php
// Goes on writing until the client has left, and tells a file how it ended.
$state = $_SERVER['STATE']; $name = $_GET['name'];
ignore_user_abort((bool) ($_GET['ignore'] ?? false));
register_shutdown_function(function () use ($state, $name) {
    file_put_contents("$state/$name", 'shutdown ' . connection_status() . ' ' . connection_aborted() . "\n", FILE_APPEND);
});
echo "begun\n"; flush();
for ($i = 0; $i < 4000 && !connection_aborted(); $i++) { echo str_repeat('x', 10000); flush(); usleep(500); }
file_put_contents("$state/$name", 'survived ' . connection_status() . "\n", FILE_APPEND);
