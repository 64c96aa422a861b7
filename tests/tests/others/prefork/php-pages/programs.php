<?php
header('Content-Type: text/plain');
exec('echo one; echo two >&2; exit 3', $lines, $code);
print_r([$lines, $code, trim(shell_exec('echo $((20 + 22))')), system('true')]);
$process = proc_open(['tr', 'a-z', 'A-Z'], [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes, '/', ['A' => 'b']);
fwrite($pipes[0], "shouted\n"); fclose($pipes[0]);
echo stream_get_contents($pipes[1]); fclose($pipes[1]); fclose($pipes[2]);
echo proc_close($process), "\n";
$pipe = popen('cat', 'w'); fwrite($pipe, ''); echo pclose($pipe), "\n";
// A program that is ended by a signal, and one whose end is watched.
$process = proc_open(['sleep', '30'], [], $pipes); usleep(100000); proc_terminate($process);
do { usleep(1000); $status = proc_get_status($process); } while ($status['running']);
echo json_encode([$status['signaled'], $status['termsig']]), "\n";
// What programs inherit.
echo shell_exec('trap "echo caught" TERM HUP USR1 USR2 INT PIPE; for s in TERM HUP USR1 USR2 INT PIPE; do kill -$s $$; done');
echo shell_exec('grep -E "^Sig(Blk|Ign)" /proc/self/status');
echo shell_exec('ls -l /proc/self/fd | grep -c -E "socket|anon_inode"');
