class SpatialSqueeze(nn.Module):
    """One weight a place: a 1 x 1 convolution over all channels (sSE: Roy et al., MICCAI 2018, section 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv(x).sigmoid()
