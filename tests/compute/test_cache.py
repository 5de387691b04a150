"""What the cache keeps, and what it does not keep alive."""

import dataclasses
import gc
import weakref

import pytest

from nst_tf.compute.cache import StatisticsCache
from nst_tf.compute.evaluate import release
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.network.model import feature_model
from nst_tf.settings import Settings
from nst_tf.transfer.run import StyleTransfer

SHALLOW = Settings(
    style_layers=("block1_conv1",), content_layers=("block1_conv2",), epochs=1, steps_per_epoch=1,
    max_dim=32, precision="float32",
)  # fmt: skip


class Kinds(StatisticsCache):
    """A cache that lists what it is given as the kind of each run."""

    def __init__(self):
        super().__init__(1 << 24)
        self.kinds = []

    def remembering(self, summarize, kind):
        self.kinds.append(kind)
        return super().remembering(summarize, kind)


def forget_networks():
    release()
    feature_model.cache_clear()
    gc.collect()


@pytest.fixture
def learn(pixels):
    """Return a function that lets a cache learn and returns a reference to the network."""

    def learn(cache, **changes):
        settings = dataclasses.replace(SHALLOW, **changes)
        fitted = prepare_inputs(pixels(32, 32), [pixels(32, 32, seed=1)], settings)
        transfer = StyleTransfer(fitted, cache=cache)
        transfer.prepare()
        return weakref.ref(transfer.network)

    return learn


def test_a_cache_keeps_no_network_alive(learn):
    cache = StatisticsCache(1 << 24)
    layers = ("block1_conv1", "block1_conv2", "block1_pool", "block2_conv1", "block2_conv2")
    networks = [learn(cache, style_layers=(layer,)) for layer in layers]
    forget_networks()
    assert [network() for network in networks] == [None] * len(layers)


def test_the_statistics_of_a_network_serve_its_equal_and_no_other(learn):
    cache = Kinds()
    learn(cache)
    forget_networks()
    learn(cache)
    assert cache.kinds[0] == cache.kinds[1]
    learn(cache, pooling="average")
    learn(cache, padding="edge")
    learn(cache, precision="bfloat16")
    learn(cache, content_layers=("block1_pool",))
    learn(cache, tf32=True)
    assert len({*cache.kinds}) == 6
