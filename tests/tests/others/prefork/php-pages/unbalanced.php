<?php echo "unbalanced
