"""kramik: a static shop for digital courses in which every paid order is delivered.

The story, in five steps:

1. `order.py`         the buyer orders: one aggregate, stored with its whole intent (`intent.py`, `journal.py`)
2. `payment.py`       a signed payment request is built in memory, and the browser goes to the gateway
3. `notification.py`  the gateway tells: verify, put, acknowledge
4. `queue.py`         the message waits, is retried and, when nothing helps, moved aside for a person
5. `fulfilment.py`    invitation, purchase, sequence, complete: each effect once

`shop.py` is what every host calls, `ports.py` is everything outside, `wiring.py` puts both together.
"""
