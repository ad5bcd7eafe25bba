class StyleAttention(nn.Module):
    """Each channel weighs its mean and its deviation (SRM: Lee et al., ICCV 2019, section 3), here without BatchNorm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.full((channels, 2), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        deviation = (x.var((2, 3), correction=0) + 1e-5).sqrt()
        style = torch.stack((x.mean((2, 3)), deviation), -1)  # (B, C, 2)
        return _rescale(x, (style * self.weights).sum(-1))
