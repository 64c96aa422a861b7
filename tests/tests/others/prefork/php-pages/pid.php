<?php
usleep((int) ($_GET['wait'] ?? 0));
echo getmypid();
