<?php
switch ($_GET['how'] ?? '') {
    case 'callback': ob_start(fn ($text) => strtoupper($text)); echo "loud\n"; break;
    case 'nested': ob_start(); echo 'inner'; $inner = ob_get_clean(); echo strrev($inner), "\n"; break;
    case 'gzip': ob_start('ob_gzhandler'); echo str_repeat("compressed\n", 100); break;
    case 'flushed': for ($i = 0; $i < 5; $i++) { echo "part $i\n"; @ob_flush(); flush(); } break;
    case 'large': for ($i = 0; $i < 2000; $i++) { echo str_repeat(chr(97 + $i % 26), 1000); } break;
    case 'file': readfile(__DIR__ . '/plain.txt'); break;
    case 'shutdown': register_shutdown_function(function () { echo "shut down\n"; }); echo "up\n"; break;
    case 'implicit': ob_implicit_flush(); while (ob_get_level()) { ob_end_flush(); } echo "a\n"; echo "b\n"; break;
}
