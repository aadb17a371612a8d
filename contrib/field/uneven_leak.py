"""accel.py MODE: leak with a changing rate. two: 15/s, from 40 s on 30/s. bursts: 0-60/s, a new rate each 3 s. pause: 25/s, none from 50 s to 56 s, then again."""
import sys, random
sys.path.insert(0, '/work/main/tests/programs')
import common
class Kept(object):
    def __init__(self, n):
        self.n = n; self.l = [n]
keep = []; rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 3)
rate = [0.0, 0.0]
def tick(i):
    common.traffic(8)
    t = i / 50.0
    m = sys.argv[1]
    if m == 'two': r = 15 if t < 40 else 30
    elif m == 'pause': r = 0 if 50 < t < 56 else 25
    else:
        if t >= rate[1]: rate[1] = t + 3; rate[0] = rng.random() * 60
        r = rate[0]
    global acc
    acc += r / 50.0
    while acc >= 1: acc -= 1; keep.append(Kept(i))
acc = 0.0
common.run(tick)
