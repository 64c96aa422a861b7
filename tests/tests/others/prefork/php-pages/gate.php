<?php
// Writes, and goes on when the test has made a file.
header('Content-Type: text/plain');
if (isset($_GET['pid'])) { file_put_contents($_SERVER['STATE'] . '/pid', getmypid()); }
echo "first\n"; flush();
while (!file_exists($_SERVER['STATE'] . '/gate')) { usleep(2000); clearstatcache(); }
echo "second\n";
