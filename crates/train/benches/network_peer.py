"""The default network in PyTorch: a plain training loop over one tensor, for comparison.

python network_peer.py ROWS FEATURES BATCH EPOCHS THREADS

Prints one line per epoch: `seconds`, then the mean training loss.
"""

import sys
import time

import torch
from torch import nn

rows, features, batch, epochs, threads = map(int, sys.argv[1:6])
torch.set_num_threads(threads)
torch.manual_seed(1)
x = torch.randn(rows, features)
y = ((x[:, 0] + x[:, 1] * x[:, 2]) > 0).float().unsqueeze(1)
model = nn.Sequential(
    nn.Linear(features, 64), nn.ReLU(), nn.Dropout(0.5),
    nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5),
    nn.Linear(32, 1),
)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_of = nn.BCEWithLogitsLoss()
model.train()
for _ in range(epochs):
    started = time.perf_counter()
    total = 0.0
    for index in torch.randperm(rows).split(batch):
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(model(x[index]), y[index])
        loss.backward()
        optimiser.step()
        total += loss.item() * len(index)
    print(f"seconds {time.perf_counter() - started:.4f} loss {total / rows:.5f}", flush=True)
