"""What the server takes and gives, as an OpenAPI document made from the model's signature."""
