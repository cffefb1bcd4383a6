#!/bin/sh
# A day of a roof: ask for yesterday, write the pages, tell what went wrong. Each step runs whatever the one before
# did, and makes no call twice. Ends with the first code that is neither 0 (complete) nor 3 (healthy, go on later).
aps=${APS_COMMAND:-aps}
worst=0
for step in refresh report "alerts --send"; do
    $aps $step
    code=$?
    if [ $worst -eq 0 ] && [ $code -ne 0 ] && [ $code -ne 3 ]; then
        worst=$code
    fi
done
exit $worst
